//! What one host may cost, what a stop keeps, and what happens when this host or this program fails.

use std::fs::File;
use std::io::Write;
use std::net::{Ipv4Addr, TcpListener};
use std::ops::ControlFlow;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::super::{Feed, Left, Run, work_off};
use super::{Manner, address, config, grab, servers};
use crate::io::grab::{GrabConfig, GrabEvent, HostWork, Work, run};
use crate::model::banner::{GrabOutcome, Transport};
use crate::target::exclusions::Exclusions;

fn none() -> Exclusions {
    Exclusions::new([], true)
}

/// Ports of one host on which the kernel takes connections and nobody says anything.
fn tarpit(last: u8, count: usize) -> (Vec<TcpListener>, HostWork) {
    let host = Ipv4Addr::new(127, 0, 77, last);
    let listeners: Vec<_> = (0..count).map(|_| TcpListener::bind((host, 0)).unwrap()).collect();
    let ports = listeners.iter().map(|listener| (Transport::Tcp, listener.local_addr().unwrap().port())).collect();
    (listeners, HostWork { address: address(last), ports })
}

#[test]
fn a_host_of_tarpits_is_given_up_and_a_slow_turn_costs_it_nothing() {
    // Every conversation with a tarpit takes 0.1 s at least, and the host has 1.6 s.
    let (_listeners, work) = tarpit(141, 40);
    let patience = GrabConfig { timeout: Duration::from_millis(100), ..config(none()) };
    let (banners, progress) = grab(&patience, vec![work]);
    let given_up = banners.iter().filter(|banner| banner.outcome == GrabOutcome::GivenUp);
    assert!(progress.connections <= 17, "{progress:?}");
    assert_eq!((banners.len(), progress.targets, progress.failed), (40, 40, 0));
    assert!(given_up.clone().all(|banner| banner.connections == 0 && banner.text.is_empty()));
    assert_eq!(given_up.count() as u64, progress.given_up);
    assert!(progress.given_up >= 23, "{progress:?}");
    // Sixty closed ports wait 25 ms for each turn: 1.5 s, and the host has 0.8 s of its own.
    let ports = (0..60).map(|port| (Transport::Tcp, 20 + port)).collect();
    let capped = GrabConfig { timeout: Duration::from_millis(50), rate_per_24: 40.0, ..config(none()) };
    let (banners, progress) = grab(&capped, vec![HostWork { address: address(142), ports }]);
    assert_eq!((banners.len(), progress.given_up), (60, 0));
    assert!(banners.iter().all(|banner| banner.outcome == GrabOutcome::Refused && banner.duration_us < 1_000_000));
}

#[test]
fn while_it_is_held_no_connection_is_opened_and_afterwards_all_are_asked() {
    let manners: Vec<_> = (231..=236).map(|last| (last, Manner::Greeting)).collect();
    let (_servers, work) = servers(&manners);
    // Their turns come within 2.5 s, and each of two holds lasts for fifteen ticks: 3 s.
    let slow = GrabConfig { rate: 2.0, ..config(none()) };
    slow.hold.set(true);
    let (mut asked, mut held, mut open) = (0, 0, 0);
    let progress = run(&slow, Work::List(work), std::future::pending(), &mut |event| {
        match event {
            GrabEvent::Asked(_) => {
                asked += 1;
                if asked == 1 {
                    slow.hold.set(true);
                }
            }
            GrabEvent::Tick(progress) if slow.hold.is_set() => {
                held += 1;
                match held {
                    1..15 => assert_eq!(progress.connections, 0, "{held}"),
                    15 | 30 => slow.hold.set(false),
                    // What was open when the hold began is over by then.
                    20 => open = progress.connections,
                    _ => assert!(held < 20 || progress.connections == open && open < 6, "{held}: {progress:?}"),
                }
            }
            GrabEvent::Tick(_) => {}
        }
        ControlFlow::Continue(())
    });
    assert_eq!((asked, held, progress.unwrap().connections), (6, 30, 6));
}

#[test]
fn a_host_that_comes_back_with_more_tarpits_does_not_begin_anew() {
    let (_listeners, work) = tarpit(143, 40);
    let feed = Arc::new(Feed::new(100));
    let mut late = work.ports.into_iter();
    for (transport, port) in late.by_ref().take(20) {
        feed.put(work.address, transport, port);
    }
    let patience = GrabConfig { timeout: Duration::from_millis(100), ..config(none()) };
    let mut asked = 0;
    let progress = run(&patience, Work::Feed(Arc::clone(&feed)), std::future::pending(), &mut |event| {
        if let GrabEvent::Asked(_) = event {
            asked += 1;
        }
        if asked == 20 {
            assert!(late.by_ref().all(|(transport, port)| feed.put(work.address, transport, port)));
            feed.close();
        }
        ControlFlow::Continue(())
    });
    let progress = progress.unwrap();
    assert!(progress.connections <= 17 && progress.targets == 40, "{progress:?}");
}

#[test]
fn what_was_heard_before_a_stop_is_kept() {
    let (_servers, mut work) = servers(&[(151, Manner::Healthy), (152, Manner::Mute)]);
    let listener = TcpListener::bind((Ipv4Addr::new(127, 0, 77, 153), 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    work.push(HostWork { address: address(153), ports: vec![(Transport::Tcp, port)] });
    let (ready, mut both_ready) = tokio::sync::mpsc::unbounded_channel();
    let greeted = ready.clone();
    let greeting = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"220-Welcome to the first half\r\n").unwrap();
        greeted.send(()).unwrap();
        // It goes on until nobody listens: it cannot come to its end before the stop.
        while stream.write_all(b"220-and more\r\n").is_ok() {
            std::thread::sleep(Duration::from_millis(100));
        }
    });
    let patient = GrabConfig { timeout: Duration::from_mins(1), ..config(none()) };
    let stop = async move {
        for _ in 0..2 {
            both_ready.recv().await.unwrap();
        }
        // Then what is on the wire is read.
        tokio::time::sleep(Duration::from_millis(300)).await;
    };
    let mut banners = Vec::new();
    let progress = run(&patient, Work::List(work), stop, &mut |event| {
        if let GrabEvent::Asked(asked) = event {
            if asked.address == address(151) {
                ready.send(()).unwrap();
            }
            banners.extend(asked.banners);
        }
        ControlFlow::Continue(())
    });
    let progress = progress.unwrap();
    greeting.join().unwrap();
    let of = |last: u8| banners.iter().find(|banner| banner.address == address(last));
    assert_eq!(of(151).unwrap().outcome, GrabOutcome::Answered);
    let half = of(153).unwrap();
    assert_eq!((half.outcome, half.truncated), (GrabOutcome::Interrupted, true));
    assert!(half.text.starts_with(b"220-Welcome to the first half\r\n220-and more\r\n"));
    assert_eq!((of(152), progress.interrupted, progress.targets), (None, 1, 2));
}

#[test]
fn a_fault_costs_one_host_and_the_feed_goes_on() {
    let feed = Arc::new(Feed::new(10));
    assert!((1..=4).all(|host| feed.put(address(host), Transport::Tcp, 80)));
    feed.put(address(2), Transport::Tcp, 81);
    feed.close();
    let run = Arc::new(Run::new(&config(none()), Work::Feed(Arc::clone(&feed))));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let asker = Arc::clone(&run);
    runtime.block_on(work_off(Arc::clone(&run), move |host: HostWork| {
        let run = Arc::clone(&asker);
        async move {
            let left = Left { run: &run, targets: host.ports.len() as u64 };
            assert_ne!(host.address, address(2), "this test's fault");
            run.targets.fetch_add(left.targets, Ordering::Relaxed);
        }
    }));
    let progress = run.progress();
    assert_eq!((progress.faults, progress.failed, progress.targets), (1, 2, 5));
    assert_eq!(feed.counts().asked, 5);
}

/// Where the process that runs out of files finds the servers of the one that does not.
const SERVERS: &str = "PROBER_TEST_SERVERS";

#[test]
fn without_open_files_targets_wait_and_none_is_lost() {
    if let Ok(ports) = std::env::var(SERVERS) {
        return run_out_of_files(&ports);
    }
    let manners: Vec<_> = (160..190).map(|last| (last, Manner::Greeting)).collect();
    let (_servers, work) = servers(&manners);
    let ports: Vec<_> = work.iter().map(|host| host.ports[0].1.to_string()).collect();
    let mut starved = Command::new("sh");
    starved.args(["-c", "ulimit -n 300 && exec \"$0\" \"$@\""]).arg(std::env::current_exe().unwrap());
    starved.args(["--exact", "io::grab::tests::limits::without_open_files_targets_wait_and_none_is_lost"]);
    let output = starved.arg("--nocapture").env(SERVERS, ports.join(",")).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("30 greetings"), "{said}");
}

/// Takes all files away when the grab begins, and gives them back at its third tick.
fn run_out_of_files(ports: &str) {
    let ports = ports.split(',').map(|port| port.parse().unwrap());
    let work = (160..190).zip(ports);
    let work = work.map(|(last, port)| HostWork { address: address(last), ports: vec![(Transport::Tcp, port)] });
    let slow = GrabConfig { rate: 40.0, ..config(none()) };
    let (mut taken, mut ticks, mut greetings) = (Vec::new(), 0, 0);
    let progress = run(&slow, Work::List(work.collect()), std::future::pending(), &mut |event| {
        match event {
            GrabEvent::Asked(asked) => {
                greetings += asked.banners.iter().filter(|banner| banner.text == b"220 LAB FTP ready.\r\n").count();
            }
            GrabEvent::Tick(_) if ticks == 0 => {
                taken.extend(std::iter::from_fn(|| File::open("/dev/null").ok()));
                assert!(!taken.is_empty());
                ticks = 1;
            }
            GrabEvent::Tick(_) if ticks == 2 => taken.clear(),
            GrabEvent::Tick(_) => ticks += 1,
        }
        ControlFlow::Continue(())
    });
    let progress = progress.unwrap();
    assert_eq!((progress.failed, progress.targets), (0, 30));
    println!("{greetings} greetings");
}
