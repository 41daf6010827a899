/* The libsodium side of P1: `name milliseconds`, the smallest of so many hashes.
 * Declared here, so that the run-time library suffices: cc -O2 p1_libsodium.c -l:libsodium.so.23 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int sodium_init(void);
int crypto_pwhash(unsigned char *out, unsigned long long outlen, const char *passwd, unsigned long long passwdlen,
                  const unsigned char *salt, unsigned long long opslimit, size_t memlimit, int alg);
enum { ARGON2ID13 = 2 };

static double once(unsigned long long passes, size_t kib)
{
    unsigned char tag[32];
    struct timespec begun, over;
    clock_gettime(CLOCK_MONOTONIC, &begun);
    if (crypto_pwhash(tag, sizeof tag, "correct horse battery staple", 28,
                      (const unsigned char *)"0123456789abcdef", passes, kib * 1024, ARGON2ID13) != 0)
        exit(1);
    clock_gettime(CLOCK_MONOTONIC, &over);
    return (over.tv_sec - begun.tv_sec) * 1e3 + (over.tv_nsec - begun.tv_nsec) / 1e6;
}

int main(int argc, char **argv)
{
    double large = 1e9, small = 1e9;
    if (sodium_init() < 0)
        return 1;
    for (int rounds = argc > 1 ? atoi(argv[1]) : 10; rounds > 0; rounds--) {
        double took = once(1, 47104);
        large = took < large ? took : large;
        took = once(2, 19456);
        small = took < small ? took : small;
    }
    printf("sodium-46MiB-t1 %.3f\nsodium-19MiB-t2 %.3f\n", large, small);
    return 0;
}
