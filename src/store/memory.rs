//! Everything in memory: for tests, demos, and hot state that may be lost.
