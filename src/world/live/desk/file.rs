//! A kubeconfig on the disk: read, and replaced as kubectl and gcloud do it, all or nothing.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::{Error, Kind, Result};
use crate::world::desk::{Replaced, Replacement};

/// How long another program may hold a kubeconfig.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(100);

/// Links to a file that lead on to further links.
const LINKS: usize = 40;

/// Where the auth plugin keeps its last token; gcloud forgets it with every change as well.
const TOKENS: &str = "gke_gcloud_auth_plugin_cache";

pub(super) fn read(file: &Path) -> Result<Option<String>> {
    match fs::read_to_string(file) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::new(
            Kind::Io,
            format!("{} cannot be read: {error}", file.display()),
        )
        .hint("make it yours to read, or name another file with --file")),
    }
}

pub(super) fn replace(replacement: &Replacement) -> Result<Replaced> {
    let shown = replacement.file.display();
    let failed = |error: io::Error| {
        let fact = format!("{shown} cannot be written: {error}");
        Error::new(Kind::Io, fact).hint(
            "nothing was written: make its folder yours to write, or name another file with --file",
        )
    };
    if let Some(folder) = replacement.file.parent() {
        make_folder(folder).map_err(failed)?;
    }
    let _lock = Lock::take(&replacement.file, PATIENCE)?;
    if read(&replacement.file)? != replacement.old {
        return Ok(Replaced::Moved);
    }
    let file = followed(&replacement.file).map_err(failed)?;
    let old = replacement.old.as_deref().filter(|old| !old.is_empty());
    let backup = old.map(|old| keep(&file, &replacement.backup, old));
    let backup = backup.transpose().map_err(failed)?;
    put(&file, &replacement.new).map_err(failed)?;
    // No token: a cache that is not there need not go.
    fs::remove_file(replacement.file.with_file_name(TOKENS)).ok();
    Ok(Replaced::Done(backup))
}

/// The folder of a new kubeconfig is its owner's alone.
fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)
}

/// The file that links lead to.
fn followed(file: &Path) -> io::Result<PathBuf> {
    let mut file = file.to_owned();
    for _ in 0..LINKS {
        let Ok(next) = fs::read_link(&file) else {
            return Ok(file);
        };
        file = match file.parent() {
            Some(folder) => folder.join(next),
            None => next,
        };
    }
    Err(io::Error::other("it is a link that leads nowhere"))
}

/// A new file that only its owner can read.
fn private(file: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file)
}

/// Puts the old contents beside the file.
fn keep(file: &Path, name: &str, old: &str) -> io::Result<PathBuf> {
    let mut number = 1;
    loop {
        let name = if number == 1 {
            name.to_owned()
        } else {
            format!("{number}.{name}")
        };
        let backup = beside(file, &name);
        match private(&backup) {
            Ok(mut copy) => {
                copy.write_all(old.as_bytes())?;
                copy.sync_all()?;
                return Ok(backup);
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(error),
        }
    }
}

/// All or nothing: a crash half-way leaves the old contents.
fn put(file: &Path, text: &str) -> io::Result<()> {
    let half = beside(file, &format!("runbook-{}.new", std::process::id()));
    let written = private(&half).and_then(|mut new| {
        new.write_all(text.as_bytes())?;
        new.sync_all()?;
        fs::rename(&half, file)
    });
    if written.is_err() {
        fs::remove_file(&half).ok();
    }
    written
}

/// `config.NAME` beside `config`.
fn beside(file: &Path, name: &str) -> PathBuf {
    let mut whole = file.as_os_str().to_owned();
    whole.push(".");
    whole.push(name);
    PathBuf::from(whole)
}

/// The lock kubectl takes: `config.lock`, made by whoever writes and gone afterwards.
#[derive(Debug)]
struct Lock(PathBuf);

impl Lock {
    fn take(file: &Path, patience: Duration) -> Result<Self> {
        let lock = beside(file, "lock");
        let mut waited = Duration::ZERO;
        loop {
            match private(&lock) {
                Ok(_) => return Ok(Self(lock)),
                Err(error) if error.kind() == ErrorKind::AlreadyExists && waited < patience => {
                    #[expect(
                        clippy::disallowed_methods,
                        reason = "on a thread of its own, at the real desk only"
                    )]
                    std::thread::sleep(PAUSE);
                    waited += PAUSE;
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    let fact = format!("{} is locked by {}", file.display(), lock.display());
                    return Err(Error::new(Kind::Busy, fact).hint(
                        "another kubectl or gcloud is writing it; if none is, remove the lock and run it again",
                    ));
                }
                Err(error) => {
                    let fact = format!("{} cannot be made: {error}", lock.display());
                    return Err(Error::new(Kind::Io, fact).hint(
                        "nothing was written: make its folder yours to write, or name another file with --file",
                    ));
                }
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        fs::remove_file(&self.0).ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replacement(file: &Path, old: Option<&str>, new: &str) -> Replacement {
        Replacement {
            file: file.to_owned(),
            old: old.map(str::to_owned),
            new: new.to_owned(),
            backup: "runbook-now.bak".to_owned(),
        }
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name();
        let mut names: Vec<String> = entries
            .map(|entry| name(entry).into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_new_file_and_its_folder_are_their_owner_s_alone() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join(".kube/config");
        let done = replace(&replacement(&file, None, "new\n")).unwrap();
        assert_eq!(done, Replaced::Done(None));
        assert_eq!(read(&file).unwrap().unwrap(), "new\n");
        assert_eq!(names(file.parent().unwrap()), ["config"]);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode(&file), 0o600);
            assert_eq!(mode(file.parent().unwrap()), 0o700);
        }
    }

    #[test]
    fn the_old_contents_are_kept_each_time_and_the_plugin_s_token_is_forgotten() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("config");
        fs::write(&file, "one").unwrap();
        fs::write(place.path().join(TOKENS), "{}").unwrap();
        for (old, new) in [("one", "two"), ("two", "three")] {
            let done = replace(&replacement(&file, Some(old), new)).unwrap();
            let Replaced::Done(Some(backup)) = done else {
                panic!("{done:?}");
            };
            assert_eq!(read(&backup).unwrap().unwrap(), old);
        }
        assert_eq!(
            names(place.path()),
            [
                "config",
                "config.2.runbook-now.bak",
                "config.runbook-now.bak"
            ]
        );
    }

    #[test]
    fn a_file_that_has_moved_on_is_left_as_it_is() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("config");
        fs::write(&file, "theirs").unwrap();
        for old in [None, Some("what I read")] {
            let done = replace(&replacement(&file, old, "mine")).unwrap();
            assert_eq!(done, Replaced::Moved);
        }
        assert_eq!(read(&file).unwrap().unwrap(), "theirs");
        assert_eq!(names(place.path()), ["config"]);
    }

    #[test]
    fn a_lock_is_waited_for_and_then_named() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("config");
        let held = Lock::take(&file, Duration::ZERO).unwrap();
        let error = Lock::take(&file, PAUSE).unwrap_err();
        assert_eq!(error.kind, Kind::Busy);
        assert!(error.message.contains("config.lock"), "{error}");
        drop(held);
        Lock::take(&file, Duration::ZERO).unwrap();
        assert_eq!(names(place.path()), Vec::<String>::new());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link() {
        use std::os::unix::fs::symlink;
        let place = tempfile::tempdir().unwrap();
        let (link, file) = (place.path().join("link"), place.path().join("real/config"));
        fs::create_dir(place.path().join("real")).unwrap();
        symlink("real/config", &link).unwrap();
        replace(&replacement(&link, None, "new")).unwrap();
        assert_eq!(read(&file).unwrap().unwrap(), "new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        symlink("round", place.path().join("round")).unwrap();
        let error = replace(&replacement(&place.path().join("round"), None, "new")).unwrap_err();
        assert_eq!(error.kind, Kind::Io, "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_nobody_may_write_to_is_an_error_and_nothing_is_left() {
        use std::os::unix::fs::PermissionsExt as _;
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("closed");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("config"), "old").unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o500)).unwrap();
        let outcome = replace(&replacement(&folder.join("config"), Some("old"), "new"));
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
        // Whoever runs the tests as root may write anywhere.
        if let Err(error) = outcome {
            assert_eq!(error.kind, Kind::Io);
            assert!(error.hint.unwrap().contains("--file"));
            assert_eq!(names(&folder), ["config"]);
            assert_eq!(read(&folder.join("config")).unwrap().unwrap(), "old");
        }
    }
}
