//! How many connections the system allows: each is an open file, and a listener that has none left can accept nobody, not
//! even to say so.

/// `wanted` connections, or as many as leave a quarter of the files for everything else. Says so where that is less.
pub(crate) fn within_open_files(wanted: usize) -> usize {
    let files = rlimit::Resource::NOFILE.get_soft().unwrap_or(rlimit::INFINITY);
    let room = usize::try_from(files / 4 * 3).unwrap_or(usize::MAX);
    if room < wanted {
        tracing::info!(
            files,
            connections = room,
            "the system allows fewer open files than max_connections asks for; clients get fewer connections"
        );
    }
    wanted.min(room)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_connections_than_files() {
        let files = usize::try_from(rlimit::Resource::NOFILE.get_soft().unwrap()).unwrap_or(usize::MAX);
        assert_eq!(within_open_files(5), 5);
        assert!(within_open_files(usize::MAX) < files);
    }
}
