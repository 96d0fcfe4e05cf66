//! Everything that touches the world: the kernel, the network, files and sockets.

pub mod bpf;
pub mod clock;
pub mod control;
pub mod doctor;
pub mod grab;
pub mod http;
pub mod instance;
pub mod kill_switch;
pub mod network;
pub mod person;
pub mod privileges;
pub mod process;
pub mod service_notice;
pub mod store;
pub mod sys;
pub mod trace;
pub mod transmit;
pub mod watched_files;
pub mod xdp;
