//! Grabbing over loopback: healthy servers beside thirty hostile ones.
