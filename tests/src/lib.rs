//! The lab: namespaces, emulated world, real servers.
