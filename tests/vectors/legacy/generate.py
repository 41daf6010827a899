#!/usr/bin/env python3
"""Makes tests/vectors/legacy_hashes.json: password hashes as other programs write them. Run once; the file is kept.

    python3 -m venv venv && venv/bin/pip install argon2-cffi bcrypt django werkzeug passlib
    npm install argon2 bcryptjs
    apt-get install php-cli ruby-bcrypt
    NODE_PATH=node_modules venv/bin/python tests/vectors/legacy/generate.py > tests/vectors/legacy_hashes.json

Each program hashes with its own defaults once, and with small costs for the other passwords, so that a test is quick.
"""

import importlib.metadata as metadata
import json
import subprocess
import sys
import warnings

warnings.simplefilter("ignore")

import argon2
import bcrypt
from argon2.low_level import Type, hash_secret
from django.conf import settings

settings.configure(PASSWORD_HASHERS=[
    "django.contrib.auth.hashers." + name for name in (
        "PBKDF2PasswordHasher", "PBKDF2SHA1PasswordHasher", "Argon2PasswordHasher", "BCryptSHA256PasswordHasher",
        "BCryptPasswordHasher", "ScryptPasswordHasher")])
from django.contrib.auth import hashers
from werkzeug.security import generate_password_hash

# passlib 1.7.4 looks for a version that bcrypt stopped to tell, and for a cut that bcrypt now refuses.
bcrypt.__about__ = type("about", (), {"__version__": metadata.version("bcrypt")})
real_hashpw = bcrypt.hashpw
bcrypt.hashpw = lambda secret, salt: real_hashpw(secret[:72], salt)
import passlib.hash as passlib

WORDS = ["correct horse battery", "пароль с пробелами", "ñandú ☂ 𝄞", "x" * 80 + "!", "p"]
CASES = []


def add(program, form, password, hashed, **more):
    CASES.append({"program": program, "form": form, "password": password, "hash": hashed, **more})


def python(package):
    return f"{package} {metadata.version(package)}"


def run(*command, **env):
    import os
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **env})
    if done.returncode:
        sys.exit(f"{command[0]}: {done.stderr}")
    return done.stdout


name = python("argon2-cffi")
add(name, "defaults", WORDS[0], argon2.PasswordHasher().hash(WORDS[0]))
for kind in (Type.I, Type.D, Type.ID):
    for version in (16, 19):
        for word in WORDS[:3]:
            tag = hash_secret(word.encode(), b"a salt of 18 bytes", 2, 256, 2, 24, kind, version)
            add(name, f"{kind.name} v{version}", word, tag.decode())

name = python("bcrypt")
for prefix in (b"2a", b"2b"):
    for word in WORDS:
        add(name, prefix.decode(), word, real_hashpw(word.encode()[:72], bcrypt.gensalt(5, prefix)).decode())
add(name, "defaults", WORDS[0], real_hashpw(WORDS[0].encode(), bcrypt.gensalt()).decode())

name = python("django")
for algorithm in ("pbkdf2_sha256", "pbkdf2_sha1", "argon2", "bcrypt_sha256", "bcrypt", "scrypt"):
    add(name, algorithm, WORDS[0], hashers.make_password(WORDS[0], hasher=algorithm))
for word in WORDS:
    add(name, "pbkdf2_sha256, few rounds", word, hashers.PBKDF2PasswordHasher().encode(word, "aSaltOf22Letters000000", 1000))
    add(name, "pbkdf2_sha1, few rounds", word, hashers.PBKDF2SHA1PasswordHasher().encode(word, "aSaltOf22Letters000000", 1000))
    quick = hashers.BCryptSHA256PasswordHasher()
    add(name, "bcrypt_sha256, few rounds", word, quick.encode(word, bcrypt.gensalt(5)))
    add(name, "scrypt, little memory", word, hashers.ScryptPasswordHasher().encode(word, "aSaltOf22Letters000000", 1024))

name = python("werkzeug")
add(name, "defaults", WORDS[0], generate_password_hash(WORDS[0]))
add(name, "pbkdf2, defaults", WORDS[0], generate_password_hash(WORDS[0], "pbkdf2"))
for method in ("pbkdf2:sha1:1000", "pbkdf2:sha256:1000", "pbkdf2:sha512:1000", "scrypt:1024:8:1", "scrypt:1024:4:3"):
    for word in WORDS:
        add(name, method, word, generate_password_hash(word, method))

name = python("passlib")
for hasher, few in (
    (passlib.pbkdf2_sha1, {"rounds": 1000}), (passlib.pbkdf2_sha256, {"rounds": 1000}), (passlib.pbkdf2_sha512, {"rounds": 1000}),
    (passlib.scrypt, {"rounds": 10}), (passlib.argon2, {"rounds": 2, "memory_cost": 256, "parallelism": 2}),
    (passlib.bcrypt, {"rounds": 5}), (passlib.bcrypt_sha256, {"rounds": 5}), (passlib.bcrypt_sha256, {"rounds": 5, "version": 1}),
):
    form = f"{hasher.name} version 1" if few.get("version") == 1 else hasher.name
    if few.get("version") != 1:
        add(name, f"{form}, defaults", WORDS[0], hasher.hash(WORDS[0]))
    for word in WORDS:
        add(name, form, word, hasher.using(**few).hash(word))

node = """
const argon2 = require('argon2'), bcryptjs = require('bcryptjs');
const words = JSON.parse(process.argv[1]), out = [];
const version = (name) => { const fs = require('fs'), path = require('path');
  for (const at of require.resolve.paths(name)) { const f = path.join(at, name, 'package.json');
    if (fs.existsSync(f)) return name + ' ' + JSON.parse(fs.readFileSync(f)).version; } };
(async () => {
  out.push([version('argon2'), 'defaults', words[0], await argon2.hash(words[0])]);
  for (const [kind, type] of [['argon2i', argon2.argon2i], ['argon2d', argon2.argon2d], ['argon2id', argon2.argon2id]])
    for (const word of words)
      out.push([version('argon2'), kind, word, await argon2.hash(word, { type, memoryCost: 1024, timeCost: 2, parallelism: 2 })]);
  out.push([version('bcryptjs'), 'defaults', words[0], bcryptjs.hashSync(words[0])]);
  for (const word of words) out.push([version('bcryptjs'), 'few rounds', word, bcryptjs.hashSync(word, 5)]);
  console.log(JSON.stringify(out));
})();
"""
for case in json.loads(run("node", "-e", node, json.dumps(WORDS))):
    add("node " + case[0], *case[1:])

php = """
$out = [];
$words = json_decode($argv[1]);
$name = 'PHP ' . PHP_VERSION . ' password_hash';
$out[] = [$name, 'PASSWORD_BCRYPT, defaults', $words[0], password_hash($words[0], PASSWORD_BCRYPT)];
foreach ($words as $word) $out[] = [$name, 'PASSWORD_BCRYPT', $word, password_hash($word, PASSWORD_BCRYPT, ['cost' => 5])];
foreach (['PASSWORD_ARGON2I', 'PASSWORD_ARGON2ID'] as $kind) if (defined($kind)) {
  $out[] = [$name, $kind . ', defaults', $words[0], password_hash($words[0], constant($kind))];
  foreach ($words as $word)
    $out[] = [$name, $kind, $word, password_hash($word, constant($kind), ['memory_cost' => 1024, 'time_cost' => 2])];
}
foreach (['$2a$', '$2x$', '$2y$'] as $prefix)
  $out[] = ['PHP ' . PHP_VERSION . ' crypt', $prefix, $words[0], crypt($words[0], $prefix . '05$abcdefghijklmnopqrstuu')];
echo json_encode($out);
"""
for case in json.loads(run("php", "-r", php, "--", json.dumps(WORDS))):
    add(*case)

# Devise joins password and pepper and hashes both (lib/devise/encryptor.rb): the same two lines here.
ruby = """
require 'bcrypt'; require 'json'
pepper = 'a pepper of the old system'
puts JSON.generate(JSON.parse(ARGV[0]).flat_map { |word| [
  ["ruby-bcrypt #{Gem.loaded_specs['bcrypt']&.version || BCrypt.const_defined?(:VERSION) && BCrypt::VERSION || 'of Debian 12'}, as Devise", 'without pepper', word, BCrypt::Password.create(word, cost: 5).to_s, nil],
  ["ruby-bcrypt #{Gem.loaded_specs['bcrypt']&.version || 'of Debian 12'}, as Devise", 'with pepper', word, BCrypt::Password.create(word + pepper, cost: 5).to_s, pepper]] })
"""
for program, form, word, hashed, pepper in json.loads(run("ruby", "-e", ruby, json.dumps(WORDS))):
    add(program, form, word, hashed, **({"pepper": pepper} if pepper else {}))

json.dump({"source": "made by tests/vectors/legacy/generate.py with the programs that each case names", "cases": CASES},
          sys.stdout, ensure_ascii=False, indent=1)
print()
