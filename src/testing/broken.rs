//! Stores that are wrong on purpose.
