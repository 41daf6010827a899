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
//! price: an operator finds an account through the library ([`Auth::find`](crate::Auth::find)), not by SQL.
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
//! # Why a mailbox is a flow row
//!
//! A two-device step waits for one letter, and the first must win. That is what swapping a flow row at the version that
//! was read already promises in every store, so the mailbox needs no write of its own, no table and no contract. Its row
//! is opened when the challenge is begun and says who asks and from where; the first session that comes with its address
//! claims it and is told; only that session may answer, once (ATTACKS 89). DESIGN had one letter and no claim: then any
//! session could answer what it had never seen. To look is to claim, so it is a POST: nobody sees who asks and keeps the
//! choice. An address that nobody opened takes nothing, so no signed-in client can fill the store with letters.
//!
//! The row is committed after the flow's own, not with it: a partitioned store keeps the two apart. A kill between leaves
//! a challenge without a mailbox, which is told as expired and begun again.
//!
//! # What an approval is worth
//!
//! A session somewhere else is a thing that one holds, like a device: possession, not knowledge, and its secret can be
//! copied. It does not resist phishing (ATTACKS 88, 90): a person can be led to type a number that they were shown
//! elsewhere. What stands against that is who asks, from where and whether from the same network, beside the field for
//! the number. A session whose own possession came by telephone passes `restricted` on.
//!
//! *The same channel never counts twice.* The approving session must reach AAL2 by proofs other than approvals. Opened by
//! a password alone it would prove the password once more; opened by a password and an e-mail code it would turn the
//! e-mail code into something that NIST counts; opened by an approval it would approve the next, and one that was
//! obtained by deceit would renew itself for ever. So the chain has one link. A session on "not my device" approves
//! nothing. And an approval never counts where a credential is added or replaced, nor is one passed on by
//! `Profile::recent`: who has stolen a session and knows the password would else add a key by approving themselves.
//!
//! *No approving without the number.* It has six digits (NIST SP 800-63B-4 section 3.1.3.2) and is shown on the asking
//! screen only; a wrong one ends the request and is counted by the guard. A denial ends it, tells the owner by message,
//! and for five minutes nothing is asked. The denial is known when the asking screen reads it: who never reads it gains
//! nothing, since without a push nobody is bothered by a request that they did not scan. With a push the limits belong
//! where it is sent: the recipient's throttle and one pending for each account. That door is open: `deliver` in what
//! `begin` gives, with the mailbox's address in it.
//!
//! *Enrolment* is consent, without a secret: an account whose owner never said so is not signed in by its sessions. Its
//! one handle is the account's id, so that an unnamed sign-in finds the account by its letter.
//!
//! # What a link is worth
//!
//! What a code by e-mail is worth: that one reads what is sent to the address. It saves the typing, and opens two doors that
//! a code has not. Programs fetch it: scanners at the mail server, previews, prefetching browsers, some of which run scripts
//! and press what they find (ATTACKS 72). And it works where it is clicked, which is not always where it was asked for:
//! whoever begins a sign-in in somebody's name and waits would be let in by the owner's click. So looking is a GET that
//! writes nothing, not even a count at a throttle; and an answer signs in only the browser that asked, known by the secret
//! that binds its flows. There the answer is a step of the flow in that very tab. From anywhere else it is a letter with
//! the number that the asking screen shows, which whoever clicks for a stranger does not see; the browser that asked reads
//! it when it asks next. A person on the telephone with a thief can still be led to type it: a link resists no phishing.
//!
//! *The mailbox is a bearer's.* Its address is 256 bits made of the flow, the factor and the number of the challenge under
//! the index key; the store has a keyed hash of it, and the flow's token sealed beside. An address is good while its
//! challenge is the flow's current one: a resend kills the links before it at once, an accepted link is dead although its
//! flow goes on. The same word twice from the browser that asked runs the step again, so that a reply that was lost is no
//! lost sign-in; that it is accepted once is the flow's to see to, as for every answer.
//!
//! *The address stands in a URL*, where mail programs, proxies and histories keep it (ASVS 14.2.1 asks for none there).
//! That cannot be helped in a letter; it lives ten minutes, works once, and elsewhere only with the number. Its page sends
//! `Referrer-Policy: strict-origin`: no address leaves it. `no-referrer` would be one word shorter and break it: a browser
//! then sends `Origin: null` with the page's form, which the check against other sites refuses.
//!
//! # Two homes
//!
//! With a ledger in a database and flows and sessions in Redis, a batch is two commits, and between them a process can
//! die. DESIGN's order is revoke, consume, record, revoke again, grant, forgive. It is kept, with two refinements:
//!
//! What comes before the record is a **hold**, not the deed. A batch that is lost in the ledger must leave nothing, and
//! a session that was ended for it, or a flow that was consumed, could not simply be put back: somebody may have ended
//! the session for good in between, and would have been told that there is none. A held session is found by nobody, and
//! stands in no list; whoever ends it meanwhile takes the hold over, and the first holder no longer brings it back. A
//! held flow can be read, and other steps wait for it (told "lost" at once, they would verify again and again what is
//! not decided yet). Who looks for a session by its token waits, three seconds and then one answer more at most, and
//! gets an error then: told "not there" at once, a person who signs out while their application refreshes would be told
//! that it is done, and the session would live on. When it goes on under another token after that, the look is as good
//! as one from before it: the old token has found its session, which an end by its id then reaches, as over one home
//! where the read was a moment sooner. A token that was replaced when it was shown finds nothing. Who wants a session
//! by its id waits, too: step-ups of one session at once would else take it over from each other, and the one that the
//! ledger lets through would find nothing left to renew. Only who wants all sessions waits for nobody; the first
//! holder, if it was recorded, ends the session whoever has it.
//!
//! A hold that nobody settles runs out after a minute and takes away what it held, for good: told that it is gone,
//! people rely on it, and whoever comes to settle after that renews nothing. That holds for sessions as for flows; a
//! ticket says when its commit began, so that no script reads a clock. The clocks of the nodes must agree to well
//! within a minute, then: what is held under a ticket from further ahead has run out as well. When the ledger answers
//! with an error, nobody knows as a rule whether it has recorded, and the holds stay. Where it is certain that nothing
//! was, they are given back: an error that came before COMMIT, or by which the server undoes the transaction; a file
//! that another process holds; no room; no connection free. So a ledger that can be read and not written signs nobody
//! out, as over one home. The price of all this is one round trip to Redis, and a moment in which the sessions of an
//! account stand in no list though the batch is lost after all: a race between two changes of one account.
//!
//! Guards are forgiven in the record, not in a commit of their own afterwards: the answer was right, whatever becomes of
//! the grant, and a sign-in by two factors stays at four commits of the ledger.
//!
//! History may tell of a sign-in whose session was not granted: the ledger's epoch stood when it recorded, and was
//! raised before the grant. It never misses one: nothing is granted that was not recorded.
//!
//! A store that forgets. Redis acknowledges before its replicas have heard, so a promoted replica may lack the last
//! moments. A flow that comes back is a second chance to answer, not a second acceptance: the once-row stands in the
//! ledger, and so do guards. A session that is missing is a sign-in more. A session that comes back is the dangerous
//! case, so each batch that revokes writes a job into the ledger's outbox, in the same commit: an epoch to be raised,
//! or the ids of the sessions that it held. Not "all but this one", which done late would end the sessions begun since.
//! Whoever tends the outbox does it at once, again ten seconds later, and a last time ten minutes later: a replica
//! whose link was broken may be promoted though it heard nothing for 160 seconds in a cluster that is set as it comes,
//! or 310 with Sentinel; who allows more (`cluster-replica-validity-factor`, `down-after-milliseconds`) allows a
//! revoked session to come back, unless `min-replicas-max-lag` has the master refuse writes before. The job also closes
//! the gap of a process that dies after the record. The first time it leaves to its holder what is held: that process
//! may be about to settle. A try that fails, or a process that dies over it, takes no repetition away: the job says
//! itself how often it was done. All that are due are done at once, so that a part of the hot store that is down holds
//! the outbox up once; its jobs wait fifteen seconds behind the others. So does one that this build cannot read: a
//! newer one has written it, and does it.
//!
//! Commands sent twice. A command whose connection broke, or whose answer is late, is repeated, in a cluster until it
//! serves again, on one node once and by a new connection; and the first may have been done. Each command carries the
//! ticket of its commit, by which the second is known and answered as the first was, and a hold that comes when its
//! ticket has settled or let go holds nothing. Two things are left: a throttle counts twice; and where another change
//! of the same account came in between, the repeated end of a session is told as lost, and a hold that comes so late
//! takes its session away. A mistake beyond that could not accept anything twice, since the once-row is elsewhere.
//!
//! A cluster that fails over. Nobody is signed in or out while the slots of a dead master have no owner: checks wait,
//! eight seconds at most, and are errors then. Once the nodes agree on a new master they must succeed at once, and the
//! driver (redis 1.8) does not see to that. Three of its settings are ours, each by need: one second for an answer as
//! with one node, half a second to connect (a refresh of slots halts everything for the slowest node), two
//! redirections and no waiting of its own, which begins at 1.3 s and grows. A request that is not answered goes to the
//! same node again in the driver, so a master whose machine vanished would be asked until TCP gives it up; and the
//! driver can halt for good when fifty requests meet a fail-over (why: `store/redis/cluster.rs`). So a connection that
//! was silent for a second, or is broken, is replaced, at most once a second (that to one node likewise). Name all
//! nodes of the cluster in the address: the new connection asks those for its slots. The contract's suites run with
//! these settings on a cluster.
//!
//! Time. Redis never judges it: a row carries its end, and whoever reads compares it with its own clock. Rows also have
//! a time to live, ten minutes longer than their own, so that what is over goes by itself; `purge` has nothing to do
//! there. That is the one point in which the contract's suites ask less of such a store
//! (`StoreContract::drops_hot_rows_itself`: three checks of `purge`). The epoch's copy lives as long as the sessions
//! beside it; a session without one is dead.
//!
//! What is refused. Eviction (a flood of flows would sign people out); snapshots without an append-only file, and one
//! that is left to the system to write (after a crash sessions live again that were ended since); serving reads in a
//! node that has lost its cluster; a ledger in memory; hot stores that belong to another ledger, or have another prefix
//! than those that the ledger was first used with. Of a server that does not let one read its settings they are taken
//! to be right. After a ledger was restored from a backup, remove the keys under the prefix: Redis may know epochs that
//! the ledger has yet to reach, and lets nobody in until then.
//!
//! One ledger, one Redis. Sessions are ended in the Redis that the node has which ends them. A tool of the desk that
//! opens the same ledger by itself, or with another Redis, would be told that an account is switched off while its
//! sessions live. So a ledger that was used with a Redis is refused without one, by [`connect`](crate::store::connect)
//! and by [`Auth::ready`](crate::Auth::ready), however it was opened. A node asks that once: to begin with Redis, stop
//! all nodes that run without it. A Redis that lost all that it held begins anew under its prefix, and nobody has to do
//! anything; that is why another server with the same prefix and nothing in it is not told apart from it. To give Redis
//! up, or to change its prefix: stop all nodes, and delete the rows `propusk:hot` and `propusk:ledger` of the table
//! `canaries`, and all rows of `flows` and `sessions`. Those are of the time before it, and those among them that were
//! ended since were ended in Redis alone. What is left in that Redis is another ledger's from then on, for in it lives
//! what was ended without it: whoever comes back to it removes the keys under the prefix first.
//!
//! Throttles count key by key, for the keys lie in different slots. When a later key refuses, the earlier ones get their
//! use back; in between somebody may be refused for it, which a throttle may do.
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
//! batch that was answered with an error then is not applied a moment later, behind the back of the next try. That holds
//! for each wait: two in one batch may together outlast the store's patience, and then the next try meets the once-row.
//!
//! # Where a session check waits
//!
//! *In memory* for the memory itself: among a million sessions, whose rows lie in over 150 MiB, each place that is not in
//! the processor's caches costs more than SHA-256 of the token. So a row lies in its hash table, not behind an index: what
//! is looked at before it, a byte for each row and a pointer for each 56, stays in the caches. The table is kept in
//! the order of the routes that lead the keys, which puts the sessions of one account side by side; heads and links of
//! lists, which found them before, are gone. It grows where it lies, by an eighth. An account with very many sessions
//! makes one long run, and what lies in it is found by its tag, a byte of the hash. Huge pages make the rest
//! cheaper (`GLIBC_TUNABLES=glibc.malloc.hugetlb=1` gives them from outside); to ask for them takes `unsafe`.
//!
//! *On SQLite* for another thread, if it is asked there: the select takes 4.5 us here, and 13.9 through `spawn_blocking`;
//! our own queue is no shorter a way. A runtime has to be kept from calls that block, and a look-up by key in a file that is in
//! use blocks on nothing: readers wait for no writer in the log's mode, and the pages it needs are in memory. Only a
//! disk can hold it up, after a start or when memory is short. So look-ups by key are made on the thread that asks, on
//! one of a few connections, and one that took a millisecond sends the next ones to the readers' threads for a second:
//! a slow disk is met once a second, and a disk that hangs stops as many of the runtime's threads as there are such
//! connections (half the cores, four at the most), not more. With a runtime of one thread that is all of it, and
//! `SqliteSettings::look_ups_in_place(0)` is there for it. A cache of sessions would be faster still, and would let one
//! in that another process has ended.
//!
//! # Where a flood stops
//!
//! Ten thousand sign-ins that arrive at once used to pass the throttle and be counted at a guard before the hash pool told
//! all but its queue to come later: two writes each, and half a second of work for the disk, in which checks and owners
//! waited too. Now an answer that needs a hash takes a seat of the pool first, each lane has as many as it has jobs that wait
//! and run, and who finds none is told so before anything is read. Only a browser without a cookie is seated so early: one that
//! brings a token may be the owner's, so its account is read first, and its lane is what the row says. A token that is made up
//! costs a read, no write at a guard, and takes no seat of the owner's lane. What is left is the price of a connection: a
//! handler that turns everybody away and does nothing else keeps a check waiting half as long (P2 in `benches/`).
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
//! Its owner can have one forgotten (a lost laptop): the row's end comes at once, and its trust goes by the same commit, so
//! that a sign-in by trust that is being finished there is asked for the second step. One that was proven in full at that
//! moment may outlive this, as one begun a moment later would. Where a browser was is read
//! from the sign-in of the moment at which it was last seen, not kept in its row. Two sign-ins of the same two seconds
//! from unlike devices cannot be told apart, and then nothing is said.
//!
//! # The history
//!
//! Stores filter it by what they hold in clear: account, moment, outcome, and the event's id as a cursor. Device, factor
//! and reason are sealed, so that a stolen store tells nothing of where people are; a filter by them opens events page by
//! page, 5,000 in one call at the most, and the cursor goes on from there. A cursor is an id, not a count: what happens
//! meanwhile moves nothing.
//!
//! A proof that is not the last of its flow leaves a line that says what it was given for ([`Event::during`]): a password
//! asked for before a passkey is added is no first step of a sign-in.
//!
//! [`Event::during`]: crate::event::Event::during
//!
//! *For how long.* [`Retention`] has two times for it. What left the account as it was (sign-ins, sign-outs, step-ups,
//! all that was refused or timed out) goes after a year: security teams look back that far (PCI DSS 4.0 10.5.1 asks for
//! twelve months), data protection authorities ask not to keep such logs for longer without a reason, and people forget
//! what they did before. What tells how the account came to be what it is (a way to sign in, a contact, a recovery, a
//! lock, an approval) stays, for ever by default: SP 800-63B-4 section 4.1 asks for a record of all that is or was
//! bound to the account, and there are few such lines. An application's own events count as the second kind, since only
//! it knows what they are evidence of. A refusal never does: strangers write it. Neither time may be shorter than a
//! session or than a change of contacts that can be undone; the builder refuses that, since a session's beginning
//! stands in its event alone. What else reads old lines does without them: of a browser last seen so long ago nothing
//! is said but when, and "this was not me" is said of lines that are there.
//!
//! A line's kind is written with it ([`EventRow::lasting`]) and leads the index by which [`EventStore::drop_events`]
//! finds the oldest: without it each look would pass over all lines that stay, and the tender looks each second. It
//! drops as many as its budget allows, and comes back at once while there are more. Times are looked at then, not
//! written into rows: an operator who shortens one shortens it for what is there already. A node of the version before
//! does not write the mark, and while versions are changed over one database its lines are kept with those that stay: a
//! sign-in that is kept too long says little, a credential's end that is dropped too early is gone.
//!
//! [`Retention`]: crate::policy::Retention
//! [`EventRow::lasting`]: crate::event::EventRow::lasting
//! [`EventStore::drop_events`]: crate::store::EventStore::drop_events
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
//! written, and no letter helps to add or replace a credential.
//!
//! # Refresh tokens
//!
//! For an application that holds no cookies: the session's token lives for minutes
//! ([`SessionLimits::access`](crate::policy::SessionLimits::access)), a second one gets the next and is good once (RFC 9700
//! section 4.14.2, ASVS 5.0 10.4.5). It is asked for with
//! [`Client::refreshing`](crate::flow::Client::refreshing) and used with [`Visit::refresh`](crate::Visit::refresh).
//!
//! The session stays one row under one id. So whatever ends a session ends what can be refreshed, with no list of refresh
//! tokens to keep in step: sign-out (by a token that is over, too), "end the others", the account's epoch (a changed
//! password, a lock, a disabled account), the number of sessions, idle time, the absolute end (ASVS 5.0 10.4.8). The owner
//! sees one line in the list of sessions, with where it began. A refresh proves nothing: the times of the proofs stay, so a
//! fresh proof that an operation asks for is asked of the person. A flow that renews the session (a step-up, a change)
//! begins a new family and hands out its first token: a copy of the old one dies as a copy of the session's token does.
//!
//! A family has one row among the flows, found by a tag of 64 random bits at the head of its tokens. Each use passes it on
//! by compare-and-swap, in the commit that gives the session its next token; the store has hashes only. What a token was
//! exchanged for lies in the row for one step, sealed under a key that HKDF derives from that token: within
//! [`SessionLimits::grace`](crate::policy::SessionLimits::grace) (ten seconds) it gets the same pair, so a lost reply or
//! fifty requests that refresh at once end nobody's session, and the store with the operator's keys gives nobody a token. A
//! stolen token that is used within those seconds gets the pair, too: that is the price of the grace, and the next use of
//! the pair by two shows it. Any other token of the family, used later, or before the one that was exchanged last, says that
//! two hold it. The session ends, its owner is told and finds a line in the history, and the caller hears
//! `refresh_reused`: only who brings a token of the family can cause it. A refresh itself leaves no line: one every
//! few minutes would bury the others.
//!
//! Over two homes the exchange is one batch like any other (above): a crash in its middle ends the session and never
//! leaves two. While one is under way the session stands in no list, so a use that finds the family and not the session
//! asks by a batch that waits for both and cannot be recorded: told "not there" at once, forty-nine of fifty would be
//! signed out. One that finds its holder dead hears so within a minute, and not an error for as long as the session was
//! to live. A once-row in the ledger stands for each exchange, so that a hot store which forgets one brings back the
//! token and not a second exchange; who brings it then is taken for one of two.
//!
//! # Several accounts in one browser
//!
//! One session is in use, up to four lie beside it, each under its own token in one more cookie
//! (`HttpBuilder::accounts`). DESIGN had a row on the server that lists them, behind a token of its own. It would protect nothing: whoever copies the cookies has all that they open, with a list or without.
//! It would have to be bound, rotated, ended with its sessions and kept in step with them over two homes; and a token in
//! clear for each session, which the store does not have, or a second way to be signed in.
//!
//! It is off until the application asks for it: a page that knows of one account signs out of one, and leaves people behind
//! it signed in whom nobody sees.
//!
//! The danger is the page of one account that is open when another is in use. Nothing it sends is done for the other: a
//! form's token is bound to its session's token; a script names its account in a header, and in a browser that holds several
//! a request which acts in a session and names none is refused, on every route that is not listed as free of that; a flow
//! goes on in the session that it began in, and a client that holds another one takes no step of it. A sign-in is free of
//! all this: it says itself whom it is about.
//!
//! A switch gives the session another token and another id, with a line in the history. What lay in the cookie is over with
//! it, so a token that was copied from there, or put there by somebody else, opens nothing from then on. It proves nothing:
//! proofs keep their times, the session its end. Two tabs that switch at once: the commit ends the old session once, and who
//! comes second is told to look again and keeps their cookies. A reply that is lost takes the session with it, as with every
//! renewal: that account signs in again. Of two replies that set cookies at once the later one stays; a session that no
//! cookie leads to any more is in its owner's list and ends with its idle time.
//!
//! To list them is no use of them: idle time goes on, and the store is asked for five sessions, whatever the cookie says.
//! Those that are over are a number. A name beside "sign in again" would tell who was here to whoever finds the browser
//! later, and why it is over (revoked, locked, timed out) would tell a thief of cookies what their owner has noticed.
//!
//! # Codes of an application and on paper
//!
//! *A TOTP credential keeps its last accepted step*, and which of the few before it were accepted. At or below the last
//! nothing is accepted again, whatever the window says (CVE-2021-43177). Only the very code that was accepted is told
//! "used" and not charged, so a double click costs nothing; a code that was passed over is a guess like any other. Who
//! saw a code learns from the answer no more than that its owner was faster. A server's clock that ran ahead makes its
//! owner wait until time has caught up, or enrol again.
//!
//! *The key has 160 bits and SHA-1, six digits, thirty seconds*, because that is what every application takes; some take
//! other parameters and ignore them without a word. The scheme is stored with each key, so a later default or an import
//! changes none that is there. At most five devices: each is three more codes that a guess may hit.
//!
//! *The label in the application* is the person's own name for the account, in full: at an enrolment they are signed in
//! and have proven as much as a sign-in takes, or register and have confirmed that address. Before that, prompts echo only
//! what was typed, masked.
//!
//! *A token's counter goes to the later of two counters with the same code*, as an authenticator's step does: the earlier
//! would leave that code good for the later one. Once in some hundred thousand sign-ins a token is then a few codes behind, and
//! works again after as many presses. Looking further ahead than five codes would serve pockets that press buttons, and guesses
//! as much; two codes in a row serve the pockets alone. Both forms are one answer to one guard. Who sends the same two codes
//! twice is told so, as with one: a double click that is counted as a wrong guess holds its owner out.
//!
//! *A key is one credential*. Each row has a counter of its own, so that a key in two rows makes each code good twice: an
//! import takes a key once, one password, one token, five authenticators, and what is handed out replaces all there is of its
//! kind. The same token again keeps the higher counter, because files of seeds are read in again with the counters of the day
//! they were made. An authenticator that comes in counts from the second step after the move: the other system may have taken
//! the code of the next.
//!
//! *Each letter has a connection of its own*. A pool would save a handshake; but a connection on which a letter was cut off
//! still has the answer to that letter to come, and the next letter is told it: one that was refused then counts as delivered.
//! What was cut off is neither delivered nor lost: it is sent again with the same id. And a mailbox counts as not there only
//! when a server says so in an enhanced code (RFC 3463): 550 to 553 alone are said as often of a sender that it does not like.
//!
//! *A backup code is 65 random bits*. ASVS 6.5.2 and NIST 3.1.2 let a fast hash do from 112 bits, which nobody wants to
//! type. So each has an Argon2id of its own, and its first sign says which one to compute: a try costs one, not ten. A
//! whole set costs ten at its making, one after the other, so that others pass in between. The check sign is over the
//! field of 32 elements: one wrong sign, or two that changed places, is a typing error and no guess.
//!
//! *A new set is confirmed by "I have saved them"*, not by typing one in. The codes stand on the screen at that moment,
//! so typing one proves no more, and people copy it from there. The confirmation therefore proves nothing, and is said to
//! prove nothing: [`Proves`](crate::proof::Proves) without a kind counts for no assurance level. Until it is given the old
//! set stays good. It is no `Add` but a `Replace`: whoever held the old list is out, and so are the sessions that it
//! opened.
//!
//! # Passkeys
//!
//! *One kind of credential.* webauthn-rs has two interfaces, passkeys (user verification and resident keys, always) and
//! security keys (neither), and a key is of one for ever. A security key that gets a PIN next year becomes a passkey,
//! and a passkey on a shared computer may be used as a second factor; so what a key can do is read from its flags at each
//! use. The first proof of a sign-in wants user verification (a key on a desk is no sign-in), the second does not (who
//! has typed a password is not asked for a PIN as well); `passkey::UserVerification`
//! changes that. Hence webauthn-rs-core. It checks registrations: attestation object, statement, a key that lies on its
//! curve. Its challenges come from a generator that cannot be injected, so its state is made by us.
//!
//! *Assertions are verified here, by ring.* Of webauthn-rs's 310 us nearly all is one signature in portable Rust that
//! ring verifies in 52; the rest of an assertion is 37 bytes and a JSON object. Ours is also stricter: origins are
//! compared to the letter (there, `https://user@site/path` is the site's origin), frames of other sites, bytes without a
//! flag and members that come twice are refused. A test signs hundreds of lies and demands that nothing passes here that
//! does not pass there.
//!
//! *ES256, ES384 and RS256.* Ed25519, Ed448 and P-521 are not offered, and refused where they come all the same:
//! webauthn-rs takes or verifies no such key, and to verify Ed25519 beside it the whole attestation object would have to
//! be read a second time. Every device that has Ed25519 has ES256.
//!
//! *The user handle* is 64 random bytes, drawn at an account's first key, the same for all its keys: a device shows it to
//! whoever holds it, so it is not the account's id. webauthn-rs does not look at it. Here it is compared with that of the
//! key that signed; without a name typed it must be there, after a proof it may be missing (security keys of the old kind
//! have none). A key is looked for among the person's own only, so that "somebody has this key" is never taken for "this
//! account has this key" (CVE-2026-46419). For nobody's key a signature is verified, too.
//!
//! *A typed name never leads to a key.* Keys are asked for without a name, or after a first proof. Lists of made-up ids
//! for unknown names would have to look, age and be removed like real ones for ever.
//!
//! *Keys alone* (`examples/passkey_only.rs`). Since no name leads to a key, a key that its device does not find by itself
//! would leave its owner outside: `discoverable` asks for one that is found. That it is one is the browser's unsigned word,
//! which protects nobody from themselves; so it refuses where the browser says no and believes where it says nothing. A
//! registration is judged by what the new key proved, not by what keys can prove.
//!
//! *A counter that does not go up disables the key*: somebody has a copy, or will say so. Only after the signature
//! was right, else anybody could disable a key whose id they know. The owner is told, the list of keys shows it,
//! and the same device may make a new one. What the copy may have opened ends with it: sessions, known browsers,
//! trust. One answer that is posted twice at once comes with a used-up counter the second time; the refusal swaps
//! the flow as well, so it loses the race instead of disabling a good key. Two sign-ins of one device whose answers
//! overtake each other on the way are taken for a copy: nobody can tell them apart. Devices that stay at zero
//! (synced keys) are not watched by this. A backup-eligible flag that changes is refused.
//!
//! *No attestation is asked for.* A statement that comes all the same must be right; webauthn-rs 0.6.2 takes those of a
//! TPM never (the one hash that it knows there is SHA-1, and it refuses that). So what a key says of itself (bound to its
//! device, verified its user) is its own word, and AAL3 rests on it until attestation is asked for and checked.
//!
//! *What a refusal says*: nothing. All checks end in the same "wrong".
//!
//! # Messages
//!
//! Throttles count each purpose and address apart, so that who floods somebody with registrations takes no second
//! factor from them, and all messages that a network causes together, because they cost money. A message has an end:
//! a code is not handed out hours after it died. A registration's guard has holds without an end, but no allowance:
//! nobody could ever lift it.
//!
//! An SMS leaves through a gateway that [`message::sms`](crate::message) describes as data (feature `sms-http`). Each message has
//! a thread of its own, since the core has no runtime, and a connection of its own: what a gateway says twice must not be read
//! as the reply to the next message. A reply that was lost is not told from a message that was; so each attempt brings the
//! message's id, and a gateway that is given it sends once. What speaks of the message (400, 410, 422) ends it; all else is
//! tried again until its code is dead, since a token that has run out is the operator's to mend and not the person's loss. There
//! is no way to send by query: addresses are written down on the way, and a code would be in them.
//!
//! *Texts are data*, in one list for each topic with both languages side by side, so that a rule about them is a test that
//! reads the list: each notice says what happened, when, from where and what to do, a secret stands in what was asked for
//! and nowhere else, a number has its word in the right form. Who wants other words puts them in their place
//! ([`Templates`](crate::message::Templates)), in the same form and checked where the `Auth` is built, or renders in a sender
//! of their own. A message says from where it was caused, the network address included: it goes to the account's owner,
//! who reads the same in the history. What the service itself did has no such place, since an operator's desk is none that
//! the owner could know again.
//!
//! *What an owner hears* they choose by topic and channel, but one confirmed address hears of each topic: a choice that leaves
//! none is refused (`untold`) and not silently mended, since a page would else show something that is not so. A push does not
//! count, since nobody here knows whether a device is there. Where the address that was left goes away later, the others hear
//! again. Of changed contacts, of recoveries and of what becomes of the account all addresses hear always (NIST SP 800-63B-4
//! section 4.2.3), and all hear that something was switched off: who stole a session would else begin with silence. What was
//! chosen is a part of the account's sealed profile, so that it costs no read, and goes with the account's key.
//!
//! *A notice that nobody got* is a line in its owner's history (`notice-undelivered`), in the commit that gives it up, beside
//! [`Tended::given_up`](crate::auth::Tended) and the metric. A code that did not come is none: who waits for it sees that.
//!
//! *The inbox* ([`Auth::inbox`](crate::Auth::inbox)) has every notice, whatever is switched off elsewhere: who threw a
//! letter away finds its words where they are signed in, in the language that they read now, since what is kept is the
//! template's name and its values, not a text. It is no new store: a notice is an event of an account and a realm that
//! are the inbox's own (both computed from the real ones), in the commit that causes it, sealed under the account's
//! data key. So it is in no page of the history, has a time of its own, costs no commit, is unreadable at rest and gone
//! with the account's key. It could not be a view of the history's own lines: a notice and a line do not go one to one
//! (a sign-in is told of from a new browser only, a hold is told of and has the line of the answer that set it), and
//! those lines are kept for other times. A notice of somebody who has no account is written as well, under the ring and
//! read by nobody, so that a batch for an unknown name is the batch for a known one. What acts is left out (the link by
//! which one objects, any address): the letter proves that its reader holds the contact, a stolen session proves
//! nothing of the kind. 200 are shown at a time; what strangers can cause is bounded by the guards.
//!
//! # Numbers that get no code
//!
//! A code proves who holds the SIM, which is somebody else an hour after a swap (NIST SP 800-63B-4 section 3.1.3.3, ATTACKS 92).
//! [`ContactRisk`](crate::factor::code::ContactRisk) is asked before each code, of whatever was typed: were it asked of real
//! accounts only, the time it takes would name them. A number that it bars counts as a message, so that nobody fills the
//! owner's history, and that history says so. When it does not know, no code is sent, and the step is broken rather than refused.
//!
//! # Puzzles
//!
//! What registers accounts by the thousand is a program that pays nothing for a request. [`human`](crate::human) makes it pay:
//! some hundred thousand hashes, a second or two of a phone. 32 puzzles of 13 bits rather than one of 18: with one, a person
//! in twenty would wait three times as long as the others. The puzzle is a signed value, nothing is kept of it until it is used;
//! how hard it is, is signed with it. It is bound to the browser (else to the network), so that solved ones cannot be sold, and
//! leaves a once-row in the ledger before anything is done: who is killed in between solves another. It is judged after what a
//! person can mend (a typing error costs no second puzzle) and before anything is looked up (so it says nothing of a name).
//!
//! Without scripts one waits: a ticket is good after ten seconds by the server's clock. A program can wait for a thousand tickets
//! at once, so a network gets ten in a minute. There is nothing to read, to hear or to click in either, so nobody is shut out; and
//! neither tells people from programs. No profile asks for it by itself: it costs people time and batteries, and what it is
//! worth depends on what a message or an account costs the service.
//!
//! # HTTP
//!
//! Two cookies of one name with different values: neither is believed, since one was tossed in and nobody can tell
//! which. A server that does not know its peers' addresses answers 500 and says so: the network's throttle would else
//! be off without a word.
//!
//! The routes describe themselves (feature `openapi`) in a document made by hand, in one table of operations beside them.
//! utoipa and aide derive one from types and handlers; here what a body may hold is up to the factors that the builder
//! was given, which no derive sees, a factor's author would have to derive with them, and they bring 3 and 17 crates more. A
//! factor says itself what it is sent and shows ([`Factor::schemas`](crate::Factor::schemas)), as JSON Schema; one that
//! says nothing takes any object. Codes in the document are the values that the routes refuse with, so none is misspelt.
//! What a derive would guarantee is tested instead: every route is in the document and no other, it is valid by the schema of
//! OpenAPI 3.1, and each request that a test gets accepted, and each reply that a test receives, is as described.
//!
//! There is no `GET /auth/flow/wait` yet. A flow's token must not stand in an address, and a browser's event source sends
//! no other header, so it would be a request that only our own script can make. Whoever waits for another device polls
//! its flow, every two seconds as it is told.
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
//! *Ninety days.* NIST SP 800-63B-4 section 3.1.1.2 says that verifiers shall not require a periodic change and shall
//! force one when there is evidence of compromise; ASVS 6.2.10 the same. Who must change often counts up. The portal that
//! `public_portal` is modelled on does it all the same, so that profile does, and `deviations()` lists it under both ids
//! with that reason; `max_age: None` takes it out. The change for a reason is in every profile.
//!
//! What belongs to the person is compared in four views: on the Latin layout (`cthutq` is `сергей`), by sounds, in
//! which transliterations fall together (`yuliya`, `julia`, `юлия`), with signs for letters (`$erg3y`), and digits
//! alone (`17.03.1985`). A view remembers which sign each of its signs stands for, so that what is left is counted in
//! the password and not in the view. Eight signs must be left: Иван may walk by the river. Name and
//! birth date come from the account ([`PersonalData`](crate::account::PersonalData)): given at the registration, by an
//! import or by the application, sealed under the account's data key, and looked for wherever a password is chosen. They
//! stand before the login names, since 64 words are looked at and an account may have forty names. Not looked for: `март`
//! alone, the names of children and cats.
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
//! # Duties
//!
//! *Between enough proofs and a session.* An expired, a temporary and a compromised password are one case: a proof whose
//! credential must be replaced. The factor says so of the proof ([`Due`](crate::proof::Due)), the flow asks for a new one
//! when all else is proven, and the change and the session are one commit; the core knows of no password. Not before:
//! who knows the password alone is not told how old it is, nor offered to change it, where two factors are asked for. The
//! function that mints sessions refuses such a proof, too, so no later flow can forget the duty. Whoever leaves has no
//! session and the old password.
//!
//! *Other ways in.* A sign-in by a passkey or a code proves nothing by the password, so nothing is wrong with that proof,
//! and it is not asked to change what it did not use: people who have left passwords behind would be sent back to them.
//! The password stays due for whoever uses it next, the account's list of credentials says so of one that is temporary
//! or compromised, and its owner was told by message. As a proof for adding a credential it is refused (`due`): what
//! opens no sign-in as it is adds nothing either. It can always be changed.
//!
//! *A temporary password is used up by the change that it opens*, not by being typed (ASVS 6.4.1: short-lived or single
//! use; this is both). Used up at the first typing it would be lost with every code that does not arrive and every tab
//! that is closed, and the desk would issue another, which protects nobody. It gives no session, cannot become the
//! long-term password, and of several flows that it opened one ends: each must raise the account's epoch from what it was
//! when the flow began. So whoever sat at a duty by the old password when the desk issued a new one is out as well, and adds
//! nothing: what is enrolled at a sign-in is written at the epoch of its beginning. Its
//! life ends after seven days at the most; that it is over is told to who types it right, and is no guess. It is not one
//! of the last six, since its owner never chose it. The library makes it: who issues it never chooses it, and the message
//! to the owner's contacts says that it was issued.
//!
//! *Compromised* is a mark, set by the application or by a breach check at a sign-in
//! (`Password::breach_check_at_sign_in`, off by default: it costs a request each time, and fails open whatever was said
//! for new passwords). The application's mark ends all sessions, since whoever knows the password may hold one; the one
//! found at a sign-in ends them with the change that follows. Where a password alone signs in, whoever else knows it may
//! be the first to change it: the owner's contacts are told, and an application that fears it issues a temporary one
//! instead.
//!
//! *Age* counts from the day on which the password was chosen. Nobody knows that day of a password from another system,
//! nor of one set before it was kept; those count from their next sign-in. Sessions live on over the ninetieth day: it is
//! asked when the password is used.
//!
//! # What an operation asks for
//!
//! *A requirement reads properties of proofs*: a level, kinds, freshness, resistance to phishing, never a factor's name. What
//! is not fresh counts for nothing: after "AAL2 within five minutes" both proofs are of the last five minutes. A single fresh
//! proof on top of an old level is two requirements, and the weaker one is what a thief would meet. The account's level is
//! asked in the same value and looked at apart: no proof raises it (`level` says so, and `step_up` does not appear).
//!
//! *A step-up is a flow like any other*: the same guards, challenges and order, bound to its session. It offers what brings
//! the requirement nearer and nothing else, is refused at once where the account has nothing that would meet it
//! (`out_of_reach`), and ends in the same session under a new token, with the proofs of both and the end that it had. A
//! session does not answer for itself on "another device": who stole one would.
//!
//! *A transaction is approved, and then carried out, by one handler.* `Visit::approve` asks for proofs that are all new, in a
//! flow that holds the amount and the payee. They stand in the message with the code, on the device that approves, and in
//! the history; no code, challenge or answer of one flow is good in another, so what was approved is what was shown. When
//! the flow is over, on whatever path (a page, a JSON route), there is a receipt for that session and just that
//! transaction, for five minutes. The handler asks again and uses it up: a row taken by compare-and-swap, and a once-row in
//! the ledger, so that a Redis which forgets pays nothing twice. Consumed first, then carried out: a crash between the two
//! asks the person once more. An approval given to the flow's last step instead would be lost wherever that step is not
//! the application's own handler. What was proven for a transaction is no proof of the session: who approves ten roubles has
//! not opened anything else. A code from an application (TOTP) cannot show what it approves; an application that needs the
//! person to see it on a second device asks for what can (`Requirement::phishing_resistant`, SMS, an approval).
//!
//! # What a change of credentials takes
//!
//! *Adding and taking away* take the same: what a sign-in takes, and no less than the lower of what the account can reach
//! and what it can reach by the credential in question. An account with a password alone adds its first application by the
//! password; one with two factors adds and removes by two, also where the profile lets one in. What the session proved
//! lately counts where `Profile::recent` says so (zero in the profiles; the cabinet's is five minutes, for its wizard).
//! Replacing a secret always takes that secret.
//!
//! *The last one stays*: what would be left must meet the profile's sign-in. An approval on another device is not counted,
//! since it needs a session that was opened by something else. Two that are each other's last and are taken away at once are
//! held apart by the account's version. A removal ends all other sessions: what goes may have opened them.
//!
//! *Who has too little enrols it at the door* (`Profile::enrols_missing`): an account that came from another system with a
//! password and nothing else could never get in where two factors are asked for. It is a duty, so there is no session
//! before it. Whoever knows that password can be the first to come, as at every account with one factor; its owner's
//! contacts are told.
//!
//! # Recovery
//!
//! A recovery is a sign-in through a door of its own: it begins with a message to a confirmed address, and how much more is
//! asked is the account's own level, with everything that it ever had, lost or not (NIST SP 800-63B-4 section 4.2.2). Who
//! says that an authenticator is gone does not get a lower bar by it. One confirmation is enough for an account that
//! reaches AAL1; one that reaches AAL2 takes a second by another channel, an authenticator that is left, a backup code,
//! or a delay of 72 hours, in which every contact is told and any of them, or any session, stops it. So a phone number
//! alone never gets anybody in at once (ATTACKS 92).
//!
//! What is asked and what follows, for every pair of what an account has and what of it is lost, is a table
//! ([`recovery`]) that a test makes by recovering.
//!
//! Then a new secret is chosen in the place of a forgotten one, and in **one commit** the lost credentials go, all sessions
//! and all trust end, guards are whole again, a lock is lifted and every contact is told. From there on the flow is a
//! sign-in: where what was proven, with the new secret, does not meet the profile, more is proven or enrolled before there
//! is a session. The session is worth what was proven in this flow, and no more.
//!
//! An address that settles counts for what is asked, as a lost thing does, and a password that others are known to know
//! counts for nothing. A lock of the desk's is looked at in each step.
//!
//! **A delay is no flow.** It stands in the account's sealed profile, with its two moments and whether it was stopped, so it
//! survives restarts and lost stores, and a person needs to keep nothing for three days: they begin again with the same
//! address, and one confirmation is enough then, for a week. Asking again while it waits begins nothing and sends nothing.
//! Each address waits for itself: for what the mailbox has waited, of which its owner knows, a number that somebody has got
//! meanwhile does not get in; and it goes with its address. Whoever stops one stops all, and those addresses begin none
//! for as long as the delay, or whoever asked would ask until the owner is tired of it. A sign-in of the owner does not
//! stop it: one can know a passkey and have forgotten the password all the same.
//!
//! **"Forgot" looks alike for every address.** The first message goes out with the first step. An address that nobody has
//! gets one that says so (ASVS 5.0 6.3.8), and the screen shows a code field, as for everybody. The page cannot tell, the
//! mailbox can: it is the owner's.
//!
//! # Contacts
//!
//! An address is a login name and a factor, so adding, changing and taking one away is a binding: as much is proven as
//! adding its factor takes, then the new address is asked, in a challenge that carries it (ATTACKS 39), under a guard of its
//! own, so that wrong codes from a new phone hold nobody's sign-in. That guard is of this account and this address: after
//! fifty wrong codes in a row (a hundred, with those from known browsers) the address cannot be added to this account until
//! they are forgotten, and to any other it can. How many codes go to one address is counted over all accounts. It proves nothing for the session: who binds an
//! address has shown that they can read it, not that they are the owner. Everything that the old address may have opened
//! ends, and the contacts that were there are told; where all are changed one after another, the first still undoes its own,
//! and with it all that came after: whoever was in would else make two changes, of which the owner hears of the first alone.
//! Of several addresses of a kind a code goes to one that has settled, to the one that was typed, and last of all to the one
//! that is being taken away, of which its owner may have nothing any more.
//!
//! A change stands at once. For 72 hours ([`Profile::contact_hold`](crate::Profile::contact_hold)) the contacts before it can
//! undo it, the old name stays taken for everybody else, and the new address recovers nothing: else a minute at an open
//! screen would be an account for ever. An address that settles is told of what happens, and gets no link to object by: its
//! holder would undo what the owner does against it, or stop the owner's recovery. The other way, to let a change wait for
//! three days, leaves whoever lost a phone with a number that somebody else answers.
//!
//! Of each kind one contact is the main one, the rest are alternates: the oldest, until the owner prefers another
//! ([`Visit::prefer_contact`](crate::Visit::prefer_contact)). Where no address was typed, as when a session proves more, a
//! code goes to it; notices go to all, and any contact signs in and recovers. It takes the proofs of every change of
//! contacts, and no link undoes it, since nothing is lost by it: the other is preferred again. An address that settles does
//! not become the main one, nor by being put in its place; there the alternate is it, and after an undoing the old one again.
//!
//! # Links in notices
//!
//! A notice carries a link by which whoever reads it objects: stops a recovery, undoes a change. Such a link signs nobody in;
//! it only takes away or puts back. It is the account, what it is about, its end, a short hash of the address that it was
//! sent to and 128 bits of a keyed hash of those, so nothing is stored, every node reads it, and it works after a restart;
//! what it is about must still be there, which is what makes it work once. The address must be the account's, or one that
//! can still be put back: a thief would else begin with taking it away. After that its letters act no more, for numbers
//! and mailboxes get other holders, who could shut the account. Opening it shows a page, since programs open links before people do; the page's POST does it,
//! signed out as well, because an owner who was locked out is the one who needs it.
//!
//! # When a sign-in is unlike the others
//!
//! Each signal has a weight, and their sum says what follows (`Profile::suspicion`): nothing, a word to the owner, one more
//! proof, a refusal. One signal alone says little, and each is wrong often: people buy telephones, travel, forget. So the
//! numbers of all profiles are of this shape: what ASVS 5.0 6.3.5 wants told is told by itself (a new browser 20, a long
//! absence 20, wrong answers before 30, another country 40: from 20 on), a new network alone (10) is not, since a laptop
//! meets one each week; and more is asked from 60 on, which takes a new browser and something besides that a new telephone
//! does not bring: another country, or guessing, or a network that enters many accounts. None refuses: all was proven, a
//! list of countries errs, and whoever is refused and right must recover, which costs them more than a third proof. A
//! service that knows better sets `refuse`. At AAL3 and ASVS level 3 a sign-in that proved one factor and no more is told
//! by itself (6.3.5), elsewhere from a new browser only: in their own people often leave one half done.
//!
//! *It is weighed once, when all is proven*, and before a duty: whoever holds a temporary or expired password would else
//! choose the next one and then be asked who they are. Nothing that fails is weighed. The bytes and the work of a wrong
//! answer are the same wherever it comes from, and what a thief learns is that they have all the factors, which a session
//! would have told them, too. Not which signals fired: a country would say where the owner is not.
//!
//! *One more proof* is any factor that the account has, by a channel that was not used in this sign-in: a mailbox beside a
//! password and a telephone, though a mailbox counts for no level. It raises no level and opens no more than the sign-in
//! does. An address that was put there in the last days clears nobody, for whoever was in may have put it there. Trust
//! gives way to it. Where the account has nothing else, or nothing but another session's word, the owner is told and no
//! more: who asks for what nobody has shuts the door, and a recovery by the same mailbox would open it again.
//!
//! *What is known of an account's habits* lies sealed in one row beside its credentials (`flow/habits.rs`): the day of the
//! last sign-in, and up to sixteen networks (/24, /48) as eight bytes of a keyed hash, with countries where the application
//! knows them. It is read with the account and written in the commit of the sign-in, once a day or when something is new.
//! An account that knows no network yet compares nothing. "Not my device" teaches nothing. Wrong answers before the right
//! one are the guard's own count, handed out with the reservation, and it ends with a sign-in that ends well, not with a
//! right answer: whoever is asked for more would else drop the flow and begin a new one, at which nothing was tried. Whatever
//! ends the trust in browsers (a changed or removed credential, a changed contact, a recovery, a lock, a closed door, an
//! undone contact) ends the knowledge of places, since somebody else may have taught it: each is new then, or the first to
//! come again would be the one that it knows. Who does it keeps the place that they do it from, if it was known: a stolen
//! session teaches nothing by a change. Accounts of one network are counted by a throttle, each of them once, and
//! only those that a new browser enters to which the network is new: a carrier's address with a thousand customers behind
//! it is no crowd while they use their own telephones. Once, since whoever enters an account of their own again and again
//! would else have all their neighbours asked for more. On Redis, whose keys are counted one after the other, many
//! sign-ins of one account at the same moment may be a crowd for that moment: a throttle may refuse too much.
//!
//! *Half a sign-in* is told when its flow has ended by its time, by whoever tends, from the job that writes its line; once
//! a day for each account.
//!
//! *"This was not me"* is a link in each of these notices, made as the others are (below: nothing is kept of it). It locks.
//! It lives for 30 days, since people come back from journeys; it does nothing where the account is locked already, and
//! nothing once its owner was let in again after the event that it is about (by a recovery, by the desk), so that a letter
//! which is opened twice does not shut the account a second time. The price of a link that locks is that whoever reads the
//! mailbox can lock; they could begin a recovery as well, and a recovery opens the lock again.
//!
//! # Trust
//!
//! A trusted browser meets the gate of a sign-in by less (`Profile::trust`), for a time that counts from the sign-in which
//! proved all of it. It is no proof: the session says what was proven, so every requirement asks again. It is a sealed row
//! beside the credentials that names the browser's record, and no cookie of its own: what is forgotten with the browser is
//! forgotten. Each use gives the browser another token by compare-and-swap, so that of a cookie and its copy one is dead
//! after the first use, and fifty uses at once are one; the others are asked for the second step. It ends with the epoch (a
//! changed password, a lock, a removal), with each new credential, and with "end the others" unless it is the browser in
//! hand. A profile at AAL2 that allows it departs from it, and `deviations()` says so.
//!
//! # Locked, closed, erased
//!
//! *A lock ends everything and says nothing.* The epoch is raised, browsers and trust are forgotten, and each step of each
//! flow looks at the account's state again, so that from then on it is a name that nobody has, byte for byte. What happened
//! and what to do goes to the account's contacts. It takes no proof beyond a session: who is wrong about it loses a quarter
//! of an hour, who is right must not look for a second factor first. Who set it decides who lifts it. The owner's own word,
//! "this was not me" included, gives way to recovery; the desk's and the application's only to `Auth::unlock`, since they
//! were set against somebody who may hold the owner's mailbox. The stronger reason stands. Switching an account off is
//! another thing, of the application alone: on again, it is as locked as it was.
//!
//! *Closing takes what the account can reach*, all of it anew and for this alone: it is an approval of one transaction (the
//! message with the code says what it is for), and the call after it closes. So there is no flow that ends without a
//! session, and a crash between the two asks once more. In the grace the name still leads to the account: its owner
//! proves all of a sign-in, and there is no session before they say that it shall be open again (the duty `reopen`). Any
//! lock puts an end to the closing, for nothing may be destroyed while it is not clear whose account it is; an account
//! that is switched off waits.
//!
//! *Erasing is destroying a key.* Name, contacts, identifiers and all that events seal lie under the account's data key, so
//! that dropping it erases them in every backup, too. Its rows go with it in one commit, led by a job in the ledger's
//! outbox: a kill leaves it to the next lease, and two nodes do it once. What stays is the account's id, its route, and of
//! each event the name, the moment and the outcome. Names stay taken for `ClosingRules::name_free_after`: networks give a
//! number to somebody else, and whoever gets it must find no way into what stood behind it.
//!
//! *An export* has all that is kept of a person and nothing that lets anybody in: no hash, handle, key or token. It takes a
//! session, as every page that shows the same does; an application that asks for more puts a requirement before it.
//!
//! # Which rule a password misses, while it is typed
//!
//! The rules are judged where the lists are, on the server, by the policy that judges at the end and with the same words
//! (`Site::words_about`): a copy of them in a script would be a second idea of the same thing, 700 kB long. It is the
//! application's own route, since the application knows whom it asks; the JSON router has none. The cabinet's takes a
//! form token, is open only to who is signed in or is choosing a password, answers 120 times a minute, estimates at most
//! four at a time and off the threads that serve (a phrase of 100 signs costs zxcvbn some 15 times what 15 cost), and
//! answers with names of rules and a number. What was typed is in no log, store or answer. Earlier passwords and leaks
//! are not looked at: a hash for each key pressed is too dear, and "not one of your last" would be asked without end.
//! At a sign-in that must choose a new one, the typed name is known and the account's other names are not: what is made
//! of those is refused at the end.
//!
//! # The breach check
//!
//! No HTTP client is in the core: a source is one method from a prefix to lines. Whether it fails open or closed has
//! no default. What is no list of hashes (a captive portal's page, an empty body) is no answer and never "not seen".
//! The padding header is the source's to send; its made-up lines have the count 0 and are no hit.
//!
//! # Hashes of other systems
//!
//! A hash from elsewhere is verified as it is and replaced by the first right password, in the commit of that sign-in.
//! Nothing is wrapped at import (Argon2 over an old tag): the old one would be computed at each sign-in for ever.
//!
//! What its own system did is done once more. bcrypt looks at 72 bytes, so the first sign-in may end after them, and
//! what was typed then is the password from then on. Where that system hashed what was typed, in whatever normal form,
//! the same is done here. Two things that those systems let pass are refused: a password with a NUL in it (HMAC fills
//! its key with them and bcrypt repeats its key after one, so `word` and `word\0` are one), and under PHP's `2x`, which
//! misread bytes over 127, everything but ASCII: who has such a password there recovers. `$2$`, MD5, SHA-1 without
//! rounds and plain text are not read at all: give those accounts no password and let them recover.
//!
//! Caps on what a hash may ask for: Argon2 as for the library's own; bcrypt 2^14 rounds; scrypt 256 MiB, and 512 MiB in
//! all its lanes; PBKDF2 5,000,000 rounds of one block. That is about a second of one worker at the most.
//!
//! # What a wrong password costs
//!
//! Never less than at a decoy. At a hash of an older, cheaper Argon2id what is left is filled up to the present cost, by
//! Argon2 itself, in the same job of the pool: KiB for KiB, so that time, memory and the queue look alike. At another
//! system's hash it is filled up by the time that was measured.
//!
//! Most of those are dearer than Argon2id at 19 MiB, though (PBKDF2 as Django sets it takes twenty times as long), and
//! then a slow answer says: this name exists and has not signed in since the move. `Password::migrating_from(hash)`
//! closes that: each wrong password costs one such hash and one Argon2id, whoever's name it is. It costs the servers
//! what each sign-in cost them before the move, so it is a choice; leave it on until few old hashes are left. It levels
//! one cost: accounts whose hash is yet another show. A right password is told apart by its time in any case: who knows
//! it learns nothing by that.
//!
//! # Profiles and deviations
//!
//! Deviations are computed from a profile's values, never listed, so that an adjusted profile cannot look like the one
//! that it was made from. A reason is a word of whoever departs, so it is given (`Profile::because`), not computed. All
//! profiles are held against both standards: where the two disagree (8 characters or 15; e-mail as a factor), following
//! one departs from the other, and that is said.
//!
//! AAL3 and ASVS level 3 bar factors by telephone and e-mail altogether, although an address could be confirmed by a
//! code without being a factor: one factor would then be two things. So registration is closed there, and accounts come
//! in by `Auth::import`. At AAL2 one registers by phone, because a password and an e-mail code together are AAL1, and no
//! flow enrols a second authenticator at registration yet.

#[doc = include_str!("manual/observing.md")]
pub mod observing {}
#[doc = include_str!("manual/profiles.md")]
pub mod profiles {}
/// What a recovery asks and what follows, in [`Profile::public_portal`](crate::Profile::public_portal), for every pair of what
/// an account has and what of it is lost.
///
#[doc = include_str!("manual/recovery.md")]
pub mod recovery {}
