//! Policy: pure functions over values. No store, no clock, no network; `now` is an argument.

pub mod password;
