//! Placeholder, filled in by the following commits.
