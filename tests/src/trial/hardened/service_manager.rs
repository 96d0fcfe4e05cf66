//! What a service manager makes of the unit, as far as it can be had without one: user, groups, capabilities, limits, umask,
//! folders, a file system that is read-only but for them, no homes, own `/tmp` and `/dev`, no memory that is written and then
//! run, notices. What is left out: filters of system calls, of address families and of namespaces (those of calls are compared
//! with what was called, see `calls`), and whatever needs control groups.

use std::{
    fmt::Write as _,
    io::ErrorKind,
    os::{
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixDatagram},
    },
    process::{Command, Output},
    time::Duration,
};

use anyhow::{Context, Result, ensure};

use super::{super::prober::Running, host::Host, unit::Unit};
use crate::{lab::Lab, sys};

/// How often it wants to hear that the service lives: much more often than the unit says, so that a trial is short.
pub const WATCHDOG: Duration = Duration::from_secs(3);

/// The manager.
pub struct ServiceManager<'a> {
    host: &'a Host,
    unit: &'a Unit,
    notices: UnixDatagram,
    socket: String,
    heard: Vec<String>,
}

impl<'a> ServiceManager<'a> {
    /// Of this unit on this host of the lab.
    pub fn new(lab: &Lab, host: &'a Host, unit: &'a Unit) -> Result<Self> {
        let socket = format!("prober-manager-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&socket)?;
        // Abstract names belong to a network namespace.
        let notices = lab.prober().run(|| UnixDatagram::bind_addr(&address))??;
        notices.set_nonblocking(true)?;
        Ok(Self { host, unit, notices, socket, heard: Vec::new() })
    }

    /// Starts the service: what is to be run before it, then itself.
    pub fn start(&mut self) -> Result<Running> {
        self.heard.clear();
        for line in self.unit.lines("ExecStartPre") {
            let output = self.confined(line)?.output().context("cannot run nsenter")?;
            let complaint = String::from_utf8_lossy(&output.stderr);
            ensure!(output.status.success(), "`{line}` failed: {}", complaint.trim());
        }
        Running::start(self.confined(self.unit.value("ExecStart")?)?, self.host.outputs())
    }

    /// Starts it with every system call written to a file.
    pub fn start_traced(&mut self, to: &str) -> Result<Running> {
        let line = format!("strace -f -qq -o {to} {}", self.unit.value("ExecStart")?);
        Running::start(self.command(&line, false)?, self.host.outputs())
    }

    /// Runs a command of the unit, or any other, as the service would.
    pub fn run(&self, line: &str) -> Result<Output> {
        self.confined(line)?.output().context("cannot run nsenter")
    }

    /// Everything that the service has told so far.
    pub fn heard(&mut self) -> Result<&[String]> {
        let mut text = [0; 4_096];
        loop {
            match self.notices.recv(&mut text) {
                Ok(length) => self.heard.push(String::from_utf8_lossy(&text[..length]).into_owned()),
                Err(cause) if cause.kind() == ErrorKind::WouldBlock => return Ok(&self.heard),
                Err(cause) => return Err(cause).context("cannot hear the service"),
            }
        }
    }

    /// How often it has told this.
    pub fn has_told(&mut self, notice: &str) -> Result<usize> {
        Ok(self.heard()?.iter().filter(|told| told.lines().any(|line| line == notice)).count())
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
