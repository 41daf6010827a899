//! The contract suites on the memory store.
#![cfg(feature = "testing")]

use propusk::store::memory::MemoryStore;

propusk::testing::store_contract!(MemoryStore::default());
propusk::testing::throttle_contract!(MemoryStore::default());
