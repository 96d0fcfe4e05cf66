//! Tests with real database files.
