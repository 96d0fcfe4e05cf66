//! What a service manager makes of the unit, as far as it can be had without one: user, groups, capabilities, limits, umask,
//! folders, a file system that is read-only but for them, no homes, own `/tmp` and `/dev`, no memory that is written and then
//! run, notices. What is left out: filters of system calls, of address families and of namespaces (those of calls are compared
//! with what was called, see `calls`), and whatever needs control groups.

use std::{
    fmt::Write as _,
    os::{
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixDatagram},
    },
    process::{Command, Output},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use anyhow::{Context, Result, ensure};

use super::{super::prober::Running, host::Host, unit::Unit};
use crate::{lab::Lab, sys};

/// How often it wants to hear that the service lives: much more often than the unit says, so that a trial is short.
pub const WATCHDOG: Duration = Duration::from_secs(3);
/// How soon the listening thread notices its end.
const LOOK: Duration = Duration::from_millis(50);

/// The manager.
pub struct ServiceManager<'a> {
    host: &'a Host,
    unit: &'a Unit,
    socket: String,
    notices: Notices,
}

/// What a service tells: listened to all the while, because the kernel keeps but a few notices.
struct Notices {
    heard: Arc<Mutex<Vec<String>>>,
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl<'a> ServiceManager<'a> {
    /// Of this unit on this host of the lab.
    pub fn new(lab: &Lab, host: &'a Host, unit: &'a Unit) -> Result<Self> {
        let socket = format!("prober-manager-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&socket)?;
        // Abstract names belong to a network namespace.
        let notices = lab.prober().run(|| UnixDatagram::bind_addr(&address))??;
        Ok(Self { host, unit, socket, notices: Notices::listen(notices)? })
    }

    /// Starts the service: what is to be run before it, then itself.
    pub fn start(&self) -> Result<Running> {
        self.notices.heard.lock().unwrap_or_else(PoisonError::into_inner).clear();
        for line in self.unit.lines("ExecStartPre") {
            let output = self.confined(line)?.output().context("cannot run nsenter")?;
            let complaint = String::from_utf8_lossy(&output.stderr);
            ensure!(output.status.success(), "`{line}` failed: {}", complaint.trim());
        }
        Running::start(self.confined(self.unit.value("ExecStart")?)?, self.host.outputs())
    }

    /// Starts it with every system call written to a file.
    pub fn start_traced(&self, to: &str) -> Result<Running> {
        let line = format!("strace -f -qq -o {to} {}", self.unit.value("ExecStart")?);
        Running::start(self.command(&line, false)?, self.host.outputs())
    }

    /// Runs a command of the unit, or any other, as the service would.
    pub fn run(&self, line: &str) -> Result<Output> {
        self.confined(line)?.output().context("cannot run nsenter")
    }

    /// Everything that the service has told since its start.
    pub fn heard(&self) -> Vec<String> {
        self.notices.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How often it has told this.
    pub fn has_told(&self, notice: &str) -> usize {
        self.heard().iter().filter(|told| told.lines().any(|line| line == notice)).count()
    }

    fn confined(&self, line: &str) -> Result<Command> {
        self.command(line, self.unit.is("MemoryDenyWriteExecute", "yes"))
    }

    fn command(&self, line: &str, denies_write_execute: bool) -> Result<Command> {
        let unit = self.unit;
        let (user, group) = (unit.value("User")?, unit.value("Group")?);
        let state = format!("/var/lib/{}", unit.value("StateDirectory")?);
        let list = |name: &str| {
            let each: Vec<String> = unit.capabilities(name).iter().map(|name| format!(",+{name}")).collect();
            format!("-all{}", each.concat())
        };
        let (ambient, bounding) = (list("AmbientCapabilities"), list("CapabilityBoundingSet"));
        let forbids = if unit.is("NoNewPrivileges", "yes") { "--no-new-privs" } else { "" };
        // Limits can only be raised where root may; the trial tells what they were.
        let script = format!(
            "{}umask {}\nulimit -n {} 2>/dev/null || :\nulimit -l {} 2>/dev/null || :\ncd /\nexec env -i HOME={state} USER={user} LOGNAME={user} LANG=C.UTF-8 \
             PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin NOTIFY_SOCKET=@{} WATCHDOG_USEC={} \
             setpriv --reuid={user} --regid={group} --clear-groups --inh-caps={ambient} --ambient-caps={ambient} \
             --bounding-set={bounding} {forbids} {line}\n",
            self.mounts()?,
            unit.value("UMask")?,
            unit.value("LimitNOFILE")?,
            unit.value("LimitMEMLOCK")?.replace("infinity", "unlimited"),
            self.socket,
            WATCHDOG.as_micros(),
        );
        let mut command = self.host.command("unshare");
        command.args(["--mount", "--propagation", "private", "sh", "-ec", &script]);
        if denies_write_execute {
            sys::deny_write_execute(&mut command);
        }
        Ok(command)
    }

    /// The folders, and everything else read-only or out of sight.
    fn mounts(&self) -> Result<String> {
        let unit = self.unit;
        let (user, group) = (unit.value("User")?, unit.value("Group")?);
        let mut script = String::new();
        let mut own = Vec::new();
        for (kind, base) in
            [("StateDirectory", "/var/lib"), ("RuntimeDirectory", "/run"), ("LogsDirectory", "/var/log")]
        {
            for name in unit.words(kind) {
                let mode = unit.value(&format!("{kind}Mode")).unwrap_or("0755");
                let folder = format!("{base}/{name}");
                // Writing to a String cannot fail.
                let _ = writeln!(
                    script,
                    "install -d -o {user} -g {group} -m {mode} {folder}\nmount --bind {folder} {folder}"
                );
                own.push(folder);
            }
        }
        if unit.is("PrivateTmp", "yes") {
            script += "for d in /tmp /var/tmp; do mount -t tmpfs -o mode=1777 tmpfs $d; done\n";
            own.extend(["/tmp".to_owned(), "/var/tmp".to_owned()]);
        }
        if unit.is("PrivateDevices", "yes") {
            script += "mkdir /tmp/.dev\nmount -t tmpfs -o mode=755,nosuid tmpfs /tmp/.dev\n\
                       for d in null zero full random urandom tty; do\n\
                       touch /tmp/.dev/$d; mount --bind /dev/$d /tmp/.dev/$d; done\n\
                       mkdir /tmp/.dev/shm /tmp/.dev/pts\nmount --rbind /tmp/.dev /dev\n";
        }
        if unit.is("ProtectHome", "yes") {
            script += "for d in /home /root; do mount -t tmpfs -o ro,mode=000 tmpfs $d; done\n";
        }
        if unit.is("ProtectProc", "invisible") {
            script += "mount -t proc -o nosuid,nodev,noexec,hidepid=invisible proc /proc\n";
        }
        if unit.is("ProtectKernelTunables", "yes") {
            script += "mount --bind /proc/sys /proc/sys\nmount -o remount,bind,ro /proc/sys\n";
        }
        if unit.is("ProtectSystem", "strict") {
            let _ = writeln!(
                script,
                "while read -r _ at _; do case \"$at\" in /proc*|/dev*|{}) ;;\n\
                 *) mount -o remount,bind,ro \"$at\" 2>/dev/null || [ ! -e \"$at\" ] ;; esac; done < /proc/self/mounts",
                own.join("|")
            );
        }
        Ok(script)
    }
}

impl Notices {
    fn listen(socket: UnixDatagram) -> Result<Self> {
        socket.set_read_timeout(Some(LOOK))?;
        let (heard, ends) = (Arc::<Mutex<Vec<String>>>::default(), Arc::<AtomicBool>::default());
        let (own, end) = (Arc::clone(&heard), Arc::clone(&ends));
        let thread = thread::spawn(move || {
            let mut text = [0; 4_096];
            while !end.load(Ordering::Relaxed) {
                // Nothing came in time, most likely.
                let Ok(length) = socket.recv(&mut text) else { continue };
                let told = String::from_utf8_lossy(&text[..length]).into_owned();
                own.lock().unwrap_or_else(PoisonError::into_inner).push(told);
            }
        });
        Ok(Self { heard, ends, thread: Some(thread) })
    }
}

impl Drop for Notices {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
