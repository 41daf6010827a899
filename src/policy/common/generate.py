#!/usr/bin/env python3
"""Makes list.txt, the passwords that attackers try first.

    pip download --no-deps django==5.2.19 && generate.py django-5.2.19-*.whl

Django's list is in order of frequency and mostly short. NIST SP 800-63B-4 asks for 15 characters, ASVS 6.2.4 for
3,000 entries that pass the length rule: so the frequent ones are also doubled, joined and put after keyboard runs,
which is how people stretch them. Russian words come as they are, transliterated, and typed on the Latin layout.
"""

import gzip
import pathlib
import sys
import unicodedata
import zipfile

HEADER = """\
The passwords that attackers try first: sorted by code point, lower case, at least 8 characters.
Made by generate.py from common-passwords.txt.gz of Django 5.2.19 (compiled there from public leaks),
Copyright (c) Django Software Foundation and individual contributors, BSD-3-Clause: see LICENSE-django.
The stretched, Russian and keyboard entries are generated.
---
"""
LEAST = 8

CYRILLIC = "ё1234567890йцукенгшщзхъфывапролджэячсмитьбю"
LATIN = "`1234567890qwertyuiop[]asdfghjkl;'zxcvbnm,."
TRANSLIT = dict(zip("абвгдеёжзийклмнопрстуфхцчшщъыьэюя", (
    "a b v g d e e zh z i y k l m n o p r s t u f h ts ch sh sch  y  e yu ya").split(" ")))

WORDS = """пароль привет любовь солнышко солнце наташа настя сергей андрей александр алексей дмитрий максим марина
светлана татьяна екатерина анастасия виктория владимир николай михаил евгений людмила валентина россия москва спартак
зенит динамо локомотив победа счастье красота котенок зайчик кисуля любимая любимый мамочка пароль1 администратор
админ пользователь компьютер интернет клавиатура телефон машина собака кошка медведь волк тигр дракон жизнь
семья дружба родина здоровье ангел принцесса королева император госуслуги кабинет паспорт пропуск налоговая
сбербанк понедельник воскресенье январь февраль декабрь весна осень йцукен фывапролд ячсмить
qwerty password welcome admin letmein iloveyou sunshine princess football monkey dragon master superman
batman shadow michael jennifer computer internet secret summer winter spring autumn january december monday sunday
london moscow russia google facebook samsung hello freedom whatever trustno1 starwars pokemon liverpool chelsea
arsenal barcelona ferrari mercedes mustang harley corvette""".split()

PHRASES = """correct horse battery staple|to be or not to be|i love you so much|i love you forever|let me in please|
open sesame|may the force be with you|the quick brown fox|the quick brown fox jumps over the lazy dog|
in god we trust|my name is|this is my password|this is a password|this is my passphrase|do not forget this password|
i forgot my password|what is my password|password is password|my secret password|my super secret password|
one two three four|one two three four five|welcome to the jungle|hello world hello|happy birthday to you|
winter is coming|live long and prosper|hasta la vista baby|never gonna give you up|all you need is love|
я тебя люблю|я люблю тебя|я тебя очень люблю|мама мыла раму|мой пароль|мой секретный пароль|это мой пароль|
самый лучший пароль|не забудь пароль|очень сложный пароль|сложный пароль|надежный пароль|пароль от госуслуг|
слава россии|боже храни|москва слезам не верит|быть или не быть|вот и все|люблю маму и папу|мама папа я|
спартак чемпион|зенит чемпион|жизнь прекрасна|все будет хорошо|удачи и счастья|один два три четыре|
раз два три четыре пять|в лесу родилась елочка|я помню чудное мгновенье|мороз и солнце день чудесный""".replace(
    "\n", "").split("|")

ROWS = ["1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "йцукенгшщзхъ", "фывапролджэ", "ячсмитьбю"]
COLUMNS = ["1qaz", "2wsx", "3edc", "4rfv", "5tgb", "6yhn", "7ujm", "8ik,", "9ol.", "0p;/", "1йфя", "2цыч", "3увс",
           "4кам", "5епи", "6нрт", "7гоь", "8шлб", "9щдю"]
TAILS = ["1", "12", "123", "1234", "12345", "123456", "1234567", "12345678", "123456789", "1234567890", "qwerty",
         "qwerty123", "password", "!", "1!", "123!", "11", "111", "777", "007", "qwe", "йцукен", "пароль"] + [
             str(year) for year in (*range(1985, 2006), *range(2018, 2028))]


def on_latin_layout(text):
    return text.translate(str.maketrans(CYRILLIC, LATIN))


def on_cyrillic_layout(text):
    return text.translate(str.maketrans(LATIN, CYRILLIC))


def transliterated(text):
    return "".join(TRANSLIT.get(sign, sign) for sign in text)


def stretched(word):
    """The word until it is long enough for either length rule."""
    for least in (8, 15):
        times = -(-least // len(word))
        yield word * times
        yield word * max(2, times)
    yield word + word[::-1]


def walks():
    for row in ROWS:
        for line in (row, row[::-1]):
            yield from stretched(line)
            for size in range(3, len(line) + 1):
                for start in range(len(line) - size + 1):
                    yield from stretched(line[start:start + size])
        yield row + row[::-1]
    for group in (COLUMNS[:10], COLUMNS[10:]):
        for start in range(len(group)):
            for end in range(start + 2, len(group) + 1):
                walk = group[start:end]
                yield "".join(walk)
                yield "".join(reversed(walk))
                yield "".join(c if i % 2 == 0 else c[::-1] for i, c in enumerate(walk))
    for keyboard in ("".join(ROWS[:4]), "".join(ROWS[1:4]), "".join(ROWS[4:])):
        for line in (keyboard, keyboard[::-1]):
            yield from (line[:end] for end in range(LEAST, len(line) + 1))
    for first in ROWS:
        for second in ROWS:
            yield first + second
            yield "".join(a + b for a, b in zip(first, second))
    for sign in "0123456789abcdefghijklmnopqrstuvwxyzабвгдеёжзийклмнопрстуфхцчшщъыьэюя!*.-_ ":
        for size in range(LEAST, 25):
            yield sign * size


def main():
    with zipfile.ZipFile(sys.argv[1]) as wheel:
        packed = wheel.read("django/contrib/auth/common-passwords.txt.gz")
        licence = wheel.read("django-5.2.19.dist-info/licenses/LICENSE")
    # Mojibake of U+FFFD: nobody types it.
    frequent = [line for line in gzip.decompress(packed).decode().splitlines() if "пїѕ" not in line]

    found = set(frequent)
    for word in WORDS:
        if word.isascii():
            found.update((on_cyrillic_layout(word), on_cyrillic_layout(word) + "123"))
    for word in {shape for word in WORDS for shape in (word, transliterated(word), on_latin_layout(word))}:
        found.update(stretched(word))
        found.update(word + tail for tail in TAILS)
        found.update(tail + word for tail in TAILS[:12])
    for phrase in PHRASES:
        for shape in (phrase, transliterated(phrase), on_latin_layout(phrase)):
            for joined in (shape, shape.replace(" ", ""), shape.replace(" ", "_"), shape.replace(" ", "-")):
                found.update((joined, joined + "1", joined + "123", joined + "!"))
    for word in frequent[:1500]:
        found.update(stretched(word))
    for word in frequent[:150]:
        found.update(word + tail for tail in TAILS if len(word + tail) >= 15)
        found.update(word + other for other in frequent[:20] if len(word + other) >= 15)
    found.update(walks())

    kept = {unicodedata.normalize("NFC", entry.lower()) for entry in found}
    kept = sorted(entry for entry in kept if len(entry) >= LEAST and entry.isprintable())
    here = pathlib.Path(__file__).parent
    (here / "list.txt").write_text(HEADER + "\n".join(kept) + "\n", encoding="utf-8")
    (here / "LICENSE-django").write_bytes(licence)
    print(len(kept), "entries,", sum(len(entry) >= 15 for entry in kept), "of 15 characters or more")


if __name__ == "__main__":
    main()
