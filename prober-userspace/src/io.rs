//! Everything that touches the world: the kernel, the network, files and sockets.

pub mod network;
