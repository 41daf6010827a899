//! propusk: sign-in for Rust web applications.
