//! A host to install on, thrown away afterwards: the prober's side of a lab with a mount namespace of its own, in which `/etc`
//! is a copy, and `/run`, `/var/lib` and `/usr/local/bin` are empty. Whatever is installed there, nobody else sees.

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use anyhow::{Context, Result, ensure};

use super::super::prober::program;
use crate::lab::Lab;

/// Makes the mounts below its first argument, then stays, so that others can come in.
const SETUP: &str = "
mount -t tmpfs -o mode=755 tmpfs \"$1\"
mkdir -p \"$1/etc\" \"$1/run\" \"$1/var/lib\" \"$1/usr/local/bin\"
cp -a /etc/. \"$1/etc\"
rm -rf \"$1/etc/prober\"
for file in passwd group shadow gshadow; do
  [ ! -f \"$1/etc/$file\" ] || sed -i '/^prober:/d' \"$1/etc/$file\"
done
for there in etc run var/lib usr/local/bin; do mount --bind \"$1/$there\" \"/$there\"; done
echo ready
exec sleep infinity
";

/// The workspace: what is installed, and the text that says how.
const WORKSPACE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// The host.
pub struct Host {
    holder: Child,
    /// Where its mounts lie, and what is installed from.
    directory: tempfile::TempDir,
}

impl Host {
    /// At the prober's side of a lab.
    pub fn new(lab: &Lab) -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let mounts = directory.path().join("mounts");
        let source = directory.path().join("source");
        fs::create_dir_all(source.join("target/release"))?;
        fs::create_dir(&mounts)?;
        symlink(program()?, source.join("target/release/prober"))?;
        symlink(Path::new(WORKSPACE).join("prober-userspace"), source.join("prober-userspace"))?;
        let mut command = lab.command("unshare");
        command.args(["--mount", "--propagation", "private", "sh", "-ec", SETUP, "setup"]).arg(&mounts);
        let mut holder = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().context("cannot run unshare")?;
        let output = holder.stdout.take().context("its output is piped")?;
        let host = Self { holder, directory };
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        ensure!(line == "ready\n", "the mounts of a host could not be made");
        Ok(host)
    }

    /// A command as root on this host.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--mount", "--net", "--target", &self.holder.id().to_string(), program]);
        command
    }

    /// A command line of a shell as root where it is installed from; it must succeed.
    pub fn shell(&self, line: &str) -> Result<Output> {
        let script = format!("cd '{}'\n{line}", self.directory.path().join("source").display());
        let output = self.command("sh").args(["-ec", &script]).stdin(Stdio::null()).output()?;
        let (said, complaint) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        ensure!(output.status.success(), "`{line}` failed: {} {}", said.trim(), complaint.trim());
        Ok(output)
    }

    /// A file of this host, as everybody reaches it.
    pub fn path(&self, inside: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{inside}", self.holder.id()))
    }

    /// Where programs that run on it leave their output.
    pub fn outputs(&self) -> &Path {
        self.directory.path()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // Its mounts end with it.
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

/// The commands by which the README installs the service, in their order.
pub fn steps() -> Result<Vec<String>> {
    let readme = fs::read_to_string(Path::new(WORKSPACE).join("README.md")).context("cannot read README.md")?;
    let about = readme.split_once("**As a service.**").context("README.md says nothing of a service")?.1;
    let block = about.split_once("```sh\n").and_then(|(_, rest)| rest.split_once("```")).context("and no commands")?.0;
    Ok(block.lines().map(str::to_owned).collect())
}
