//! The servers one by one: where Debian puts them, and how they are configured to keep to the lab.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use crate::namespace::run_quietly;

/// A server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    Nginx,
    Lighttpd,
    OpenSsh,
    Dropbear,
    Vsftpd,
    /// The same with a network camera's greeting, so that a scan has a device to name.
    Camera,
    Telnet,
    Mosquitto,
    Rtsp,
    Snmp,
}

impl Program {
    /// For people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Lighttpd => "lighttpd",
            Self::OpenSsh => "openssh",
            Self::Dropbear => "dropbear",
            Self::Vsftpd => "vsftpd",
            Self::Camera => "camera",
            Self::Telnet => "telnetd",
            Self::Mosquitto => "mosquitto",
            Self::Rtsp => "gst-rtsp-server",
            Self::Snmp => "snmpd",
        }
    }

    /// The port it listens on.
    pub const fn port(self) -> u16 {
        match self {
            Self::Nginx | Self::Lighttpd => 80,
            Self::OpenSsh | Self::Dropbear => 22,
            Self::Vsftpd | Self::Camera => 21,
            Self::Telnet => 23,
            Self::Mosquitto => 1883,
            Self::Rtsp => 554,
            Self::Snmp => 161,
        }
    }

    /// The binary.
    pub fn path(self) -> Result<&'static str> {
        let path = match self {
            Self::Nginx => "/usr/sbin/nginx",
            Self::Lighttpd => "/usr/sbin/lighttpd",
            Self::OpenSsh => "/usr/sbin/sshd",
            Self::Dropbear => "/usr/sbin/dropbear",
            Self::Vsftpd | Self::Camera => "/usr/sbin/vsftpd",
            Self::Telnet => "/usr/sbin/telnetd",
            Self::Mosquitto => "/usr/sbin/mosquitto",
            // Debian's own: its bindings are not in others.
            Self::Rtsp => "/usr/bin/python3",
            Self::Snmp => "/usr/sbin/snmpd",
        };
        if !Path::new(path).exists() {
            bail!("{path} is not installed: run `cargo xtask setup`");
        }
        Ok(path)
    }

    /// Writes its files into `directory` and returns its arguments; it stays in the foreground with them.
    pub fn prepare(self, directory: &Path) -> Result<Vec<String>> {
        self.path()?;
        let dir = directory.display();
        let write = |name: &str, text: &str| -> Result<PathBuf> {
            let path = directory.join(name);
            fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
            Ok(path)
        };
        let key = directory.join("host_key");
        let arguments: Vec<String> = match self {
            Self::Nginx => {
                let config = write("nginx.conf", &NGINX.replace("DIR", &dir.to_string()))?;
                words(&["-p", &dir.to_string(), "-e", "stderr", "-c", &shown(&config)])
            }
            Self::Lighttpd => {
                write("index.html", "<html><head><title>LAB-100</title></head><body>LAB-100</body></html>\n")?;
                let config = write("lighttpd.conf", &LIGHTTPD.replace("DIR", &dir.to_string()))?;
                words(&["-D", "-f", &shown(&config)])
            }
            Self::OpenSsh => {
                make_key(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]), &key)?;
                // Where sshd puts the part of it that faces the network; its package makes it at boot.
                fs::create_dir_all("/run/sshd").context("cannot make /run/sshd")?;
                let config = write("sshd_config", &SSHD.replace("DIR", &dir.to_string()))?;
                words(&["-D", "-e", "-f", &shown(&config)])
            }
            Self::Dropbear => {
                make_key(Command::new("dropbearkey").args(["-t", "ed25519", "-f"]), &key)?;
                let pid = directory.join("pid");
                // No passwords, no forwarding.
                words(&["-F", "-E", "-s", "-g", "-j", "-k", "-p", "22", "-P", &shown(&pid), "-r", &shown(&key)])
            }
            Self::Vsftpd | Self::Camera => {
                let greeting = if self == Self::Camera { CAMERA } else { "LAB FTP ready." };
                let empty = directory.join("empty");
                fs::create_dir_all(&empty).context("cannot make vsftpd's empty directory")?;
                write("admitted", "")?;
                words(&[&shown(&write(
                    "vsftpd.conf",
                    &VSFTPD.replace("DIR", &dir.to_string()).replace("GREETING", greeting),
                )?)])
            }
            Self::Telnet => {
                let login = write("login", TELNET_LOGIN)?;
                words(&["--no-keepalive", "--no-hostinfo", &format!("--exec-login=/bin/sh {}", shown(&login))])
            }
            Self::Mosquitto => words(&["-c", &shown(&write("mosquitto.conf", MOSQUITTO)?)]),
            Self::Rtsp => words(&[&shown(&write("rtsp.py", RTSP)?)]),
            Self::Snmp => words(&["-f", "-Lo", "-C", "-c", &shown(&write("snmpd.conf", SNMPD)?)]),
        };
        Ok(arguments)
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

fn make_key(command: &mut Command, key: &Path) -> Result<()> {
    if key.exists() { Ok(()) } else { run_quietly(command.arg(key)) }
}

const NGINX: &str = "\
daemon off;
user nobody nogroup;
worker_processes 1;
pid DIR/pid;
error_log stderr;
events { worker_connections 4096; }
http {
    access_log off;
    client_body_temp_path DIR/body;
    proxy_temp_path DIR/proxy;
    fastcgi_temp_path DIR/fastcgi;
    uwsgi_temp_path DIR/uwsgi;
    scgi_temp_path DIR/scgi;
    server {
        listen 0.0.0.0:80 backlog=65535;
        default_type text/html;
        location / { return 200 '<html><head><title>lab</title></head><body>lab</body></html>\n'; }
    }
}
";

const LIGHTTPD: &str = "\
server.document-root = \"DIR\"
server.bind = \"0.0.0.0\"
server.port = 80
server.username = \"nobody\"
server.groupname = \"nogroup\"
index-file.names = ( \"index.html\" )
mimetype.assign = ( \".html\" => \"text/html\" )
server.listen-backlog = 65535
";

const SSHD: &str = "\
ListenAddress 0.0.0.0:22
HostKey DIR/host_key
PidFile none
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PubkeyAuthentication no
AllowUsers nobody-at-all
AllowTcpForwarding no
MaxStartups 1000
";

/// As the starter database knows it.
const CAMERA: &str = "AXIS P1344 Network Camera 5.40.17 (Jan 01 2020) ready.";

const VSFTPD: &str = "\
listen=YES
listen_ipv6=NO
background=NO
anonymous_enable=NO
local_enable=YES
userlist_enable=YES
userlist_deny=NO
userlist_file=DIR/admitted
secure_chroot_dir=DIR/empty
seccomp_sandbox=NO
nopriv_user=nobody
ftpd_banner=GREETING
";

/// Asks, and lets nobody in.
const TELNET_LOGIN: &str = "\
printf 'LAB-100\\r\\n\\r\\nlogin: '
read -r name
printf 'Password: '
read -r word
printf '\\r\\nLogin incorrect\\r\\n'
";

const MOSQUITTO: &str = "\
listener 1883 0.0.0.0
allow_anonymous true
persistence false
user nobody
";

/// Version 3 without users: whoever asks is told the engine, and no more.
const SNMPD: &str = "\
agentaddress udp:0.0.0.0:161
sysDescr LAB-100 router
sysServices 72
";

const RTSP: &str = "\
import gi
gi.require_version('Gst', '1.0')
gi.require_version('GstRtspServer', '1.0')
from gi.repository import GLib, Gst, GstRtspServer
Gst.init(None)
server = GstRtspServer.RTSPServer()
server.set_address('0.0.0.0')
server.set_service('554')
if server.attach(None) == 0:
    raise SystemExit('cannot listen on port 554')
GLib.MainLoop().run()
";
