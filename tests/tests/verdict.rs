//! The verdict on a frame is the same in the kernel and on the host. The attached program runs in the kernel by
//! `BPF_PROG_TEST_RUN`; the host calls the function that it was compiled from.

use std::collections::BTreeSet;

use aya::{TestRun, TestRunOptions, programs::Xdp};
use prober_common::{
    counter::Counter,
    event::{ReplyEvent, ReplyKind},
    probe::tcp_syn::write_reset,
    rules::{FLAG_RST_BY_XDP, Rules},
    verdict::classify,
};
use prober_tests::{
    namespace::Namespace,
    sys,
    vectors::{self, Expected, RULES, Reply, mutation::Mutation, reply::TARGET},
};
use prober_userspace::io::xdp::{Attached, XdpConfig, attach};

const MUTATED: usize = 10_000;
const SEED: u64 = 2;
/// The kernel runs nothing shorter than an Ethernet header.
const SHORTEST: usize = 14;
const XDP_DROP: u32 = 1;
const XDP_PASS: u32 = 2;
const XDP_TX: u32 = 3;

/// What a run leaves behind.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    action: u32,
    frame: Vec<u8>,
    /// By how much each counter moved.
    counted: [u64; Counter::COUNT],
    event: Option<ReplyEvent>,
}

/// The program, attached: the kernel takes an RCU grace period for each run of one that is not. Its interface is down,
/// so nothing but the tests makes it run.
struct Kernel {
    attached: Attached,
    rules: Rules,
    counters: [u64; Counter::COUNT],
    _namespace: Namespace,
}

impl Kernel {
    fn new(suffix: &str, rules: Rules) -> Self {
        let namespace = Namespace::create("prober", suffix).unwrap();
        namespace.ip(&["link", "add", "near", "type", "veth", "peer", "name", "far"]).unwrap();
        let attached = namespace
            .run(|| {
                attach(&XdpConfig {
                    ifindex: sys::interface_index("near").unwrap(),
                    interface: "near".to_owned(),
                    rules,
                    ring_bytes: 1 << 16,
                    templates: Vec::new(),
                    live_queues: 1,
                    force_generic: false,
                })
                .unwrap()
            })
            .unwrap();
        let counters = attached.counters.read();
        Self { attached, rules, counters, _namespace: namespace }
    }

    fn run(&mut self, frame: &[u8]) -> Result<Outcome, String> {
        let program: &Xdp = self.attached.object.program("prober").unwrap().try_into().unwrap();
        let mut out = vec![0; 4_096];
        let mut options = TestRunOptions::new();
        options.data_in = Some(frame);
        options.data_out = Some(&mut out);
        let result = program.test_run(options).map_err(|error| format!("{error:?}"))?;
        out.truncate(result.data_size_out as usize);
        let before = std::mem::replace(&mut self.counters, self.attached.counters.read());
        let event = self.attached.replies.take();
        assert_eq!(self.attached.replies.take(), None, "more than one event");
        let counted = std::array::from_fn(|i| self.counters[i] - before[i]);
        Ok(Outcome { action: result.return_value, frame: out, counted, event })
    }

    /// Runs `frame` on both sides, which must agree, and returns the verdict.
    fn compare(&mut self, name: &str, frame: &[u8]) -> Result<ReplyEvent, Counter> {
        if frame.len() < SHORTEST {
            assert!(self.run(frame).is_err(), "{name}: the kernel ran {} bytes", frame.len());
            return classify(frame, &self.rules, sys::monotonic_ns()).map(|reply| reply.event);
        }
        let before_ns = sys::monotonic_ns();
        let kernel = self.run(frame).unwrap_or_else(|error| panic!("{name}: {error}"));
        let after_ns = sys::monotonic_ns();
        // An event tells the very time that the kernel took for now.
        let now_ns = kernel.event.map_or(before_ns, |event| event.received_ns);
        assert!((before_ns..=after_ns).contains(&now_ns), "{name}: another clock");
        let host = on_host(frame, &self.rules, now_ns);
        assert_eq!(kernel, host, "{name}: kernel (left) and host (right) differ on {frame:02x?}");
        match host.event {
            Some(event) => Ok(event),
            None => Err(Counter::ALL.into_iter().find(|&counter| host.counted[counter as usize] != 0).unwrap()),
        }
    }
}

/// What the program does, said in terms of the host's verdict.
fn on_host(frame: &[u8], rules: &Rules, now_ns: u64) -> Outcome {
    let mut outcome = Outcome { action: XDP_PASS, frame: frame.to_vec(), counted: [0; Counter::COUNT], event: None };
    let reply = match classify(frame, rules, now_ns) {
        Err(reason) => {
            outcome.counted[reason as usize] = 1;
            return outcome;
        }
        Ok(reply) => reply,
    };
    outcome.counted[Counter::Accepted as usize] = 1;
    outcome.event = Some(reply.event);
    if reply.event.kind != ReplyKind::SynAck as u8 {
        outcome.action = XDP_DROP;
    } else if rules.flags & FLAG_RST_BY_XDP != 0 {
        outcome.action = XDP_TX;
        outcome.counted[Counter::RstSent as usize] = 1;
        let len = write_reset(outcome.frame.as_mut_slice(), &reply).unwrap();
        outcome.frame.truncate(len);
    }
    outcome
}

#[test]
fn every_named_vector_has_the_same_verdict() {
    let mut kernel = Kernel::new("named", RULES);
    let mut names = BTreeSet::new();
    for reply in Reply::all() {
        for vector in vectors::of(reply, sys::monotonic_ns() - 3_000_000) {
            let verdict = kernel.compare(&vector.name, &vector.frame);
            match vector.expected {
                Expected::Accepted => assert!(verdict.is_ok(), "{}: {verdict:?}", vector.name),
                Expected::Refused(reason) => assert_eq!(verdict, Err(reason), "{}", vector.name),
                Expected::NotAccepted => assert!(verdict.is_err(), "{}: {verdict:?}", vector.name),
                Expected::Whatever => {}
            }
            assert!(names.insert(vector.name.clone()), "{} is there twice", vector.name);
        }
    }
    println!("{} named vectors", names.len());
    assert!(names.len() >= 200);
}

#[test]
fn whole_replies_tell_whom_what_and_when_they_answer() {
    const RTT_NS: u64 = 20_000_000;
    for flags in [FLAG_RST_BY_XDP, 0] {
        let rules = Rules { flags, ..RULES };
        let mut kernel = Kernel::new(&format!("whole{flags}"), rules);
        for reply in Reply::all() {
            let sent_ns = sys::monotonic_ns() - RTT_NS;
            let event = kernel.compare(&reply.name(), &reply.frame(sent_ns)).unwrap();
            assert_eq!((event.target, event.port), (TARGET.into(), reply.port()));
            assert_eq!((event.kind, event.probe), (reply.kind() as u8, reply.probe_kind() as u8));
            let rtt_ns = event.received_ns - sent_ns;
            assert!(event.rtt_ns.abs_diff(rtt_ns) <= 8_000, "{}: {} for {rtt_ns}", reply.name(), event.rtt_ns);
        }
    }
}

#[test]
fn mutated_frames_have_the_same_verdict() {
    let mut kernel = Kernel::new("mutated", RULES);
    let replies = Reply::all();
    let mut mutation = Mutation::new(SEED);
    let mut verdicts = [0; Counter::COUNT];
    for number in 0..MUTATED {
        let frame = mutation.next(&replies, sys::monotonic_ns() - 3_000_000);
        let verdict = kernel.compare(&format!("mutation {number} of seed {SEED}"), &frame);
        verdicts[verdict.err().unwrap_or(Counter::Accepted) as usize] += 1;
    }
    let by_name: Vec<_> = Counter::ALL.iter().map(|&counter| (counter.name(), verdicts[counter as usize])).collect();
    println!("{by_name:?}");
    // Worth little if all of them fail the first check.
    for counter in [Counter::Accepted, Counter::BadToken, Counter::Foreign, Counter::Truncated, Counter::Fragment] {
        assert!(verdicts[counter as usize] >= 50, "{by_name:?}");
    }
}
