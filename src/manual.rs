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
//! On PostgreSQL the arithmetic of a guard is written a second time, in SQL. To read the row, judge it here and write it
//! back would be two round trips with a lock held between them, for each reservation and each commit that settles: a
//! sign-in by two factors would take fourteen instead of ten, and a client that dies in between would keep the owner
//! waiting. A test plays random moves against both.
//!
//! # One round trip on PostgreSQL
//!
//! All statements of a batch are sent before the first is answered, so nothing here can decide between them: a
//! precondition that does not hold raises an error, after which the server refuses all that follows and turns the COMMIT
//! into a roll-back. What if BEGIN itself fails, by a cancel that comes at that moment? Then each statement behind it
//! would be a transaction of its own, and a batch could be half applied. So connections only read by default, and BEGIN
//! is what says otherwise. And when the server is asked to wait for too long, it gives up before the store does: a
//! batch that was answered with an error then is not applied a moment later, behind the back of the next try.
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
