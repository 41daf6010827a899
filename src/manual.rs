//! Why things are as they are.
//!
//! # The order of a step
//!
//! Reserve, verify, one commit. The guard is raised in a commit of its own before a secret is looked at, because a
//! counter that is written with the result can be rolled back with it (CVE-2026-35597) or be lost with the process.
//! The verdict, the flow, the credential, the once-row, the event, the messages and the session are then one batch.
//! A process that dies between the two leaves a reservation whose lease runs out: it counts as a refusal.
//!
//! A lost race (a credential that was just changed, a flow that another request passed on) reads everything again and
//! judges again under the same reservation. So a code's "last accepted step" or a card's crossed-out number is seen by
//! the factor, not only by the store.
//!
//! # Why a name is stored as a keyed hash
//!
//! DESIGN says that an identifier is stored canonical and unique. It is stored as HMAC(index key, realm, kind,
//! canonical form), unique, with the canonical form sealed under the account's data key beside it. A stolen store then
//! names nobody, closing an account erases its names with its key, and realms need no column in the constraint. The
//! price: an operator finds an account through the library, not by SQL.
//!
//! # Why a session's row has no address and no browser
//!
//! They stand in the event that began the session, which has the same id. The row stays under 200 bytes in memory,
//! a session check opens nothing sealed, and personal data has one place. The event must be kept as long as its
//! sessions can live.
//!
//! # What leads a session's hash
//!
//! A session's token carries its account's route, and so does the hash that stores keep (64 bits of route, 192 of
//! SHA-256): a partitioned store finds the session and its account's epoch in one place by the hash alone. Writes that
//! concern all sessions of an account carry the route too. A mapping from account to route inside such a store would
//! be one more thing that a fail-over can forget, and a forgotten mapping would be a revocation that reaches nobody.
//!
//! # Why a letter is a flow row
//!
//! Two-device steps leave one letter for a waiting flow, and the first must win. That is what adding a flow row under
//! a given key already promises in every store, so the mailbox needs no write of its own, no table and no race test.
//!
//! # Guards
//!
//! One guard for each (account, factor) and class of client: strangers, and browsers that the account knows. Six
//! refusals in a row begin a hold of 5, then 10, then 15 minutes; each class has 50 consecutive refusals, together the
//! 100 of NIST SP 800-63B-4 section 3.2.2. The owner's sign-in from a known browser also clears the strangers' count.
//! Names that nobody has are guarded under a keyed hash of the name with the same numbers. All names of one account
//! share its guard, so who holds two of its names out at once can tell that they belong together; separate guards
//! would double the guesses, which is worse.
//!
//! The attempt that fills a run is told at its reservation which hold it may begin; its refusal carries the notice to
//! the owner in the same batch. When others under way at the same guard are forgiven, that notice can be one too many;
//! it is never missing.
//!
//! # Time
//!
//! `now` is read once for a step from the injected clock. Guards and sessions compare times of the servers' clocks:
//! nodes are expected to agree to within a few seconds. A clock that goes back by minutes makes a hold longer, never
//! shorter.
//!
//! # What a known browser is
//!
//! A random token in a long-lived cookie whose hash stands in a row of that account. It opens a lane and an allowance
//! of its own, nothing else: it is no proof and raises no level.
//!
//! # Names: what is one and the same
//!
//! The local part of an e-mail address is lower-cased: RFC 5321 would allow two people there, no provider known to us
//! does, and mail goes to the folded form. Dots and tags stay. Quoting, comments, lists and IP literals are refused
//! (one address, one mailbox). Non-ASCII local parts are Latin or Cyrillic, in one script; letters that fold to others
//! (ı, the Kelvin sign, ß, ﬀ) and words made only of look-alikes are refused, since they would make a second account
//! or lead mail astray (CVE-2019-19844). A domain is kept as U-labels; `xn--` is decoded, so both spellings are one.
//! User names take the Latin or the Russian alphabet, digits and `._-`; ё is stored as е, because no mail goes to a
//! user name and people type either. A phone is E.164; 8 and +7 are one prefix, and +7 6xx and 7xx are Kazakhstan.
//!
//! # Keys
//!
//! HKDF extracts once for each ring key and expands once for each record, under its own random salt: the key is used
//! for one record, so the nonce can be zero. Realm, version and key id stand in the associated data. The index key
//! does not rotate, because lookups must find rows written years ago; it seals nothing, and a ring whose index key is
//! also a sealing key is refused. Rotation on several nodes: give every node the new key as an old one first.
//!
//! # What a stolen cookie cannot do
//!
//! Adding a credential takes as much as signing in, proven anew; replacing a memorised one takes the old one itself.
//! A renewed session ends when the old one would have. A letter whose session has ended meanwhile is as good as not
//! written.
//!
//! # Messages
//!
//! Throttles count each purpose and address apart, so that who floods somebody with registrations takes no second
//! factor from them, and all messages that a network causes together, because they cost money. A message has an end:
//! a code is not handed out hours after it died. A registration's guard has holds without an end, but no allowance:
//! nobody could ever lift it.
//!
//! # HTTP
//!
//! Two cookies of one name with different values: neither is believed, since one was tossed in and nobody can tell
//! which. A server that does not know its peers' addresses answers 500 and says so: the network's throttle would else
//! be off without a word.
//!
//! # Rules for passwords
//!
//! NIST SP 800-63B-4 section 3.1.1.2 forbids rules of composition and changes without a reason, and ASVS 6.2.5 and
//! 6.2.10 do too: both make people write `Password1!` and count it up. So the NIST and ASVS profiles ask for length,
//! compare the whole password with the list and with the words of its owner, and nothing else. The portal's custom is
//! older: kinds of signs, no runs, none of the last six, 90 days. It is in `public_portal` only, each part can be
//! left out, and there the rules are made hard to satisfy in the bad way: a common word that is dressed up with a
//! capital, digits and signs for letters is common all the same.
//!
//! Keyboard runs are looked for among keys, not signs: a sign stands for the key that types it on either layout, so
//! `qwукен` is a run and no list of runs is kept. Five keys along a row, since words have four (`property`, `запрос`);
//! four over rows or among digits; runs of three when they make up more than two thirds; two runs by turns
//! (`1q2w3e4r`); a way with turns from eight keys, since words have seven (`гримаса`). Measured on 2 x 2,048 words of
//! English and Russian: `прожить` is refused by itself, and of phrases of three to five of them none.
//!
//! What belongs to the person is compared in four views: on the Latin layout (`cthutq` is `сергей`), by sounds, in
//! which transliterations fall together (`yuliya`, `julia`, `юлия`), with signs for letters (`$erg3y`), and digits
//! alone (`17.03.1985`). A view remembers which sign each of its signs stands for, so that what is left is counted in
//! the password and not in the view. Eight signs must be left: Иван may walk by the river. An application gives a
//! birth date as a word, `1985-03-17`.
//!
//! The lists are searched where they lie in the binary, by halves between line ends: nothing is built at the start,
//! nothing lies on the heap. list.txt (46,892 entries of at least 8 characters, 698 kB) is compared whole; words.txt,
//! english.txt and russian.txt (10,413 words, 87 kB) are what dressed-up passwords are made of. `generate.py` beside
//! them makes all four and says where they come from.
//!
//! # What a change of password costs
//!
//! The rules cost no hash and come first; a breach check costs a request and comes next; then as many hashes as the
//! policy remembers, then one. In the portal at most eight with the proof of the old one: 120 ms of one core and never
//! more than 19 MiB, since they are computed one after the other. Only who has just proven the old password gets
//! there, and the network's throttle counts each try. Six hashes lie sealed with the credential (some 600 bytes), in
//! the row that a change swaps anyway: they cannot be lost apart from it.
//!
//! # The breach check
//!
//! No HTTP client is in the core: a source is one method from a prefix to lines. Whether it fails open or closed has
//! no default. What is no list of hashes (a captive portal's page, an empty body) is no answer and never "not seen".
//! The padding header is the source's to send; its made-up lines have the count 0 and are no hit.
