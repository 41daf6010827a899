#!/usr/bin/env python3
"""Makes list.txt, the passwords that attackers try first; words.txt, what people build passwords of; english.txt and
russian.txt, what the library builds passwords of.

    pip download --no-deps django==5.2.19 mnemonic==0.21 && generate.py django-5.2.19-*.whl mnemonic-0.21-*.whl

All are sorted by code point, one entry a line, lower case, with ё as е, and searched where they lie: nothing but
entries stands in them. Where they come from:

- list.txt, words.txt: common-passwords.txt.gz of Django 5.2.19 (compiled there from public leaks), Copyright (c) Django
  Software Foundation and individual contributors, BSD-3-Clause: LICENSE-django. The stretched, Russian and keyboard
  entries are generated from the lists in this file, which are our own.
- english.txt, russian.txt: the lists of 2,048 words in mnemonic 0.21, Copyright (c) 2013-2016 Pavol Rusnak, MIT:
  LICENSE-mnemonic.

Django's list is in order of frequency and mostly short. NIST SP 800-63B-4 asks for 15 characters, ASVS 6.2.4 for
3,000 entries that pass the length rule: so the frequent ones are also doubled, joined and put after keyboard runs,
which is how people stretch them. Russian words come as they are, transliterated, and typed on the Latin layout.
"""

import gzip
import pathlib
import sys
import unicodedata
import zipfile

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

# Russian names, surnames, towns and words, as Russian passwords are built of them.
NAMES = """александр алексей анатолий андрей антон аркадий арсений артем артур борис богдан вадим валентин валерий василий
виктор виталий влад владимир владислав вова вячеслав геннадий георгий герман глеб григорий давид данил даниил данила
денис дима дмитрий евгений егор женя иван игорь илья кирилл костя константин леонид леха макс максим марат марк матвей
миша михаил никита николай олег павел паша петр петя роман ромка руслан рустам саня саша семен серега сергей слава
станислав степан тагир тимофей тимур федор филипп эдуард юра юрий ярослав аделина алена алеся алина алиса алла альбина
анастасия ангелина анжела анна анюта валя варвара вера вероника вика галина дарья даша диана ева евгения екатерина
елена елизавета жанна зарина зинаида злата зоя инна ира ирина карина катюша катя кира кристина ксения ксюша лариса лена
лера лилия лиза люба людмила мадина маргарита марина мария маша надежда надя настя наташа наталья нина оксана оленька
ольга оля полина рита светлана света снежана соня софия софья таня тамара татьяна ульяна эльвира эля юля юлия яна
ярослава""".split()
SURNAMES = """иванов иванова петров петрова сидоров смирнов смирнова кузнецов кузнецова попов попова васильев соколов
михайлов новиков федоров морозов волков алексеев лебедев семенов егоров павлов козлов степанов николаев орлов андреев
макаров никитин захаров зайцев соловьев борисов яковлев григорьев романов воробьев сергеев кузьмин фролов пушкин
есенин путин гагарин толстой достоевский чехов""".split()
TOWNS = """москва питер петербург ленинград новосибирск екатеринбург казань нижний челябинск самара омск ростов уфа
красноярск воронеж пермь волгоград краснодар саратов тюмень тольятти ижевск барнаул иркутск ульяновск хабаровск
ярославль владивосток махачкала томск оренбург кемерово новокузнецк рязань астрахань пенза липецк киров тула чебоксары
калининград курск ставрополь сочи севастополь крым симферополь сибирь урал байкал камчатка россия украина беларусь минск
киев одесса казахстан алматы кавказ волга дагестан чечня татарстан башкирия якутия дубна анапа""".split()
COMMON = """автомобиль адреналин акула алмаз анаконда апельсин арбуз армия бабочка бабушка баскетбол батарейка батон
беркут бизнес блондинка богатырь бомба босс братан братва брелок бродяга булочка вампир вася велосипед весна вечность
виноград вишня водка война волшебник волчица воробей ворон восток время всегда вселенная выхухоль газель газпром гараж
гвоздь герой гитара гитарист гладиатор главный глаза гном голубь гора город господин гость графиня гроза гусеница девочка
девушка дедушка дельфин деньги дерево деревня десант детка детство джокер диван диана директор доктор дом домой дорога
доченька дочка друг друзья дружок дурак душа единорог елка ёжик жара жемчуг жираф жук журнал забота загадка закат закон
замок запад звезда звездочка зверь здравствуй зебра земля зеркало золото золотая золотце зубр игра игрок игрушка
император индиго инженер искра история кабан камень канада каникулы капитан карамель каратист картина картошка катана
квартира кекс киборг киллер кинжал киска клава клубника ключ книга кобра колбаса колибри колокол команда комета конфета
конфетка корабль король косметика космос котик котофей котяра кошечка красавица красавчик красный кристалл крокодил
кролик крутой кукла кукушка курица лапочка лапуля ласточка лебедь легенда лед лев лето лимон лиса листопад лотос луна
лунтик лучший львица любава любимка любимый люблю любовник лягушка магия магнит малина малинка малыш малышка мальчик
мама мамонт мамочка мандарин манчестер марсель мармелад мастер масяня матрица матрос машенька медвежонок мелодия
менеджер мечта милашка милая миллион миллионер мир мираж молния молодец молоко монитор море мороженое моряк мотоцикл
муравей музыка мурзик муся мышка мышь надежный наследник небо невеста незабудка незнакомка ненавижу неон ниндзя нирвана
новогодний новый ночь облако огонь одиночество океан олигарх оптимист оранжевый орех орхидея осел остров отец папа папочка
паровоз парашют паук пельмени пенсия перец песня пингвин пират пистолет пицца планета победитель подарок поезд помидор
пончик попугай почта правда праздник президент привет приветик призрак прикол принц программист пропуск пупсик пустота
пчелка работа радость радуга ракета рассвет ребенок регистрация рекорд ромашка роза розочка росомаха рубин рыба рыбка
рыжик рысь рыцарь сакура салют самолет самурай сатана сахар свадьба свет свобода северный секрет семерка сердце сестра
сигарета сила сказка скала скорпион слон слоник смерть снег снегурочка снежинка снежок собачка сокол солдат солнечный
солнышко сосиска спартанец спорт стальной стрела студент судьба супер супермен сынок счастливый сыщик таблетка тайна
танкист тарантул телевизор телец темнота терминатор тигра тигренок тишина топаз торнадо трактор трактор тополь туман
тюльпан тюрьма удача ураган утро учитель фантазия фараон фиалка фортуна футбол футболист хакер халва хомяк хомячок
хоккей холод хороший хулиган царевна царь цветок цветочек цыпленок чай чайка чебурашка чемпион черника черный черт
чудо шалун шарик шахматы школа шоколад шоколадка шпион штирлиц щенок экономика экспресс электрик эльф энергия эстафета
юность юрист яблоко яблочко ягода ягуар якорь январь ястреб""".split()
ENDS = ["1", "123", "12345", "1990", "2025", "!"]

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
    here = pathlib.Path(__file__).parent

    def write(name, entries):
        folded = {unicodedata.normalize("NFC", entry.lower().replace("ё", "е")) for entry in entries}
        kept = sorted(entry for entry in folded if entry.isprintable())
        (here / name).write_text("\n".join(kept) + "\n", encoding="utf-8")
        print(name, len(kept), "entries", (here / name).stat().st_size, "bytes")
        return kept

    with zipfile.ZipFile(sys.argv[2]) as wheel:
        ours = set()
        for language in ("english", "russian"):
            words = wheel.read(f"mnemonic/wordlist/{language}.txt").decode().split()
            ours.update(write(f"{language}.txt", words))
        (here / "LICENSE-mnemonic").write_bytes(wheel.read("mnemonic-0.21.dist-info/LICENSE"))
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
    russian = {*NAMES, *SURNAMES, *TOWNS, *COMMON}
    for word in {shape for word in russian for shape in (word, transliterated(word), on_latin_layout(word))}:
        found.add(word)
        found.update(word + end for end in ENDS)
    listed = write("list.txt", (entry for entry in found if len(entry) >= LEAST))
    print(sum(len(entry) >= 15 for entry in listed), "of 15 characters or more")

    words = {word for word in frequent if word.isalpha() and len(word) >= 4}
    for word in (*WORDS, *russian):
        words.update((word, transliterated(word)))
    write("words.txt", words - ours - set(listed))
    (here / "LICENSE-django").write_bytes(licence)


if __name__ == "__main__":
    main()
