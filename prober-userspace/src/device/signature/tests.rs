//! Faults of signature files: where and why.

use super::*;

const GOOD: &str = "maker = 'A'\n\n[[device]]\nname = 'A 1'\nkind = 'camera'\nmodel = '1'\nports = '80,U:1900'\n\
                    version = 'v([0-9]+)'\nsource = 's'\nkeywords = [\n  { regex = 'abcd', weight = 1.0 },\n]\n";

#[track_caller]
fn fails(from: &str, to: &str, line: usize, reason: &str) {
    let text = GOOD.replacen(from, to, 1);
    assert_ne!(text, GOOD);
    let (devices, faults) = parse("x.toml", &text);
    assert!(devices.is_empty(), "{devices:?}");
    let said: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert!(
        said.iter().any(|fault| fault.starts_with(&format!("x.toml:{line}: ")) && fault.contains(reason)),
        "{said:?}"
    );
    assert!(said.iter().all(|fault| !fault.contains('\n')), "{said:?}");
}

#[test]
fn a_good_file_is_read_whole() {
    let (devices, faults) = parse("x.toml", GOOD);
    assert_eq!(faults, []);
    assert_eq!((devices[0].place.line, devices[0].keywords[0].line, devices[0].ports.len()), (4, 11, 2));
    assert_eq!(devices[0].level().number(), 4);
}

#[test]
fn each_fault_is_named_with_its_line() {
    fails("'camera'", "'webcam'", 5, "no kind of device");
    fails("'80,U:1900'", "'80,9100'", 7, "never probed");
    fails("'80,U:1900'", "'eighty'", 7, "is not a port");
    fails("v([0-9]+)", "v[0-9]+", 8, "captures one thing");
    fails("v([0-9]+)", "v([0-9]+", 8, "unclosed group");
    fails("'abcd'", "'a(b'", 11, "unclosed group");
    fails("'abcd'", "''", 11, "empty text");
    fails("'abcd'", "'((a{1000}){1000}){1000}'", 11, "compiles to more than");
    fails("1.0", "1.5", 11, "the weight is 1.5");
    fails("1.0", "nan", 11, "the weight is NaN");
    fails("1.0", "-1.0", 11, "the weight is -1");
    fails("1.0 },", "0.6 }, { regex = 'efgh', weight = 0.6 },", 4, "add up to 1.200");
    fails("1.0 },", "0.5 }, { regex = 'abcd', weight = 0.5 },", 11, "stands twice");
    fails("  { regex = 'abcd', weight = 1.0 },\n", "", 4, "no keywords");
    fails("maker = 'A'", "", 4, "without a maker");
    fails("'A 1'", "' '", 4, "name is empty");
    fails("maker", "makers", 1, "unknown field");
    fails("source = 's'\n", "", 3, "missing field");
    fails("[[device]]", "[[device]", 3, "");
}

#[test]
fn a_device_with_a_fault_leaves_the_others() {
    let text =
        format!("{GOOD}\n[[device]]\nname = 'A 2'\nsource = 's'\nkeywords = [{{ regex = '(', weight = 1.0 }}]\n");
    let (devices, faults) = parse("x.toml", &text);
    assert_eq!((devices.len(), faults.len()), (1, 1));
}

#[test]
fn no_text_is_too_strange() {
    for text in ["", "\0", "[[device]]", "device = 1", "maker = ''", &"[".repeat(10_000), &"a = ".repeat(1000)] {
        let (devices, _) = parse("x.toml", text);
        assert!(devices.is_empty());
    }
}
