//! The starter database that the program carries: the files of `prober-userspace/signatures/`, as they were when it was
//! built.

include!(concat!(env!("OUT_DIR"), "/signatures.rs"));

/// Its files: name and text, by name.
pub fn files() -> impl Iterator<Item = (&'static str, &'static str)> {
    FILES.iter().copied()
}

#[cfg(test)]
mod tests {
    use super::super::database::Database;
    use super::*;

    #[test]
    fn the_starter_database_has_no_fault() {
        let (database, faults) = Database::load(files());
        assert_eq!(faults, []);
        assert!(database.devices().len() >= 300, "{} devices", database.devices().len());
    }
}
