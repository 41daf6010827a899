// A worker: solves the puzzle of `propusk::human::ProofOfWork`, so that the page stays quick meanwhile.
// SHA-256 (FIPS 180-4) of one block, in numbers: the browser's own is a promise for each hash, and many times slower here.

const roots = (power) => {
  const found = [];
  for (let n = 2; found.length < 64; n++) {
    if (found.every((_, at) => n % primes[at] !== 0)) {
      primes[found.length] = n;
      found.push((n ** power % 1) * 2 ** 32 | 0);
    }
  }
  return found;
};
const primes = [];
const START = roots(1 / 2).slice(0, 8);
const ROUND = roots(1 / 3);
const words = new Int32Array(64);

// The first word of the hash of the first ten of `words`.
function hash() {
  words[10] = 0x80000000 | 0;
  words.fill(0, 11, 15);
  words[15] = 40 * 8;
  for (let n = 16; n < 64; n++) {
    const [a, b] = [words[n - 15], words[n - 2]];
    const near = (a >>> 7 | a << 25) ^ (a >>> 18 | a << 14) ^ a >>> 3;
    const far = (b >>> 17 | b << 15) ^ (b >>> 19 | b << 13) ^ b >>> 10;
    words[n] = words[n - 16] + near + words[n - 7] + far | 0;
  }
  let [a, b, c, d, e, f, g, h] = START;
  for (let n = 0; n < 64; n++) {
    const one = (e >>> 6 | e << 26) ^ (e >>> 11 | e << 21) ^ (e >>> 25 | e << 7);
    const first = h + one + (e & f ^ ~e & g) + ROUND[n] + words[n] | 0;
    const two = (a >>> 2 | a << 30) ^ (a >>> 13 | a << 19) ^ (a >>> 22 | a << 10);
    const second = two + (a & b ^ a & c ^ b & c) | 0;
    h = g; g = f; f = e; e = d + first | 0; d = c; c = b; b = a; a = first + second | 0;
  }
  return START[0] + a | 0;
}

const decode = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (sign) => sign.charCodeAt(0));
const encode = (bytes) => btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

onmessage = ({ data: { token, bits, count } }) => {
  const seed = new DataView(decode(token).slice(-32).buffer);
  for (let n = 0; n < 8; n++) words[n] = seed.getInt32(n * 4);
  const numbers = new DataView(new ArrayBuffer(count * 4));
  for (let n = 0; n < count; n++) {
    words[8] = n;
    let number = 0;
    for (words[9] = 0; Math.clz32(hash()) < bits; words[9] = number) number++;
    numbers.setUint32(n * 4, number);
  }
  postMessage(`${token}.${encode(new Uint8Array(numbers.buffer))}`);
};
