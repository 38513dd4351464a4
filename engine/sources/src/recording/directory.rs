//! A directory that appears whole or not at all.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use tempfile::{Builder, TempDir};

use crate::recording::RecordError;

/// The manifest's file name; who finds it in a directory knows that it is a recording.
pub(super) const MANIFEST: &str = "manifest.json";

/// Writes files into a directory beside `path`, then renames it to `path`. With `replace`, a recording that is there
/// already gives way; anything else never does.
pub(super) fn write_whole(path: &Path, files: &[(&str, Vec<u8>)], replace: bool) -> Result<(), RecordError> {
    let is_there = fs::symlink_metadata(path).is_ok();
    if is_there && !(replace && path.join(MANIFEST).is_file()) {
        return Err(RecordError::Exists { file: path.to_owned() });
    }
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        Some(_) | None => PathBuf::from("."),
    };
    fs::create_dir_all(&parent).map_err(|error| RecordError::io(&parent, &error))?;
    let filled = temporary(&parent)?;
    for (name, bytes) in files {
        let file = filled.path().join(name);
        write_synced(&file, bytes).map_err(|error| RecordError::io(path.join(name), &error))?;
    }
    sync_directory(filled.path())?;
    // The old one is moved aside first: a directory cannot be renamed onto one that is not empty.
    let aside = if is_there { Some(temporary(&parent)?) } else { None };
    if let Some(aside) = &aside {
        fs::rename(path, aside.path().join("replaced")).map_err(|error| RecordError::io(path, &error))?;
    }
    if let Err(error) = fs::rename(filled.path(), path) {
        if let Some(aside) = &aside
            && let Err(second) = fs::rename(aside.path().join("replaced"), path)
        {
            return Err(RecordError::io(path, &second));
        }
        return Err(RecordError::io(path, &error));
    }
    // It is at its place now: nothing is left to be removed.
    let _moved = filled.keep();
    sync_directory(&parent)
}

fn temporary(parent: &Path) -> Result<TempDir, RecordError> {
    let mut builder = Builder::new();
    builder.prefix(".davy-recording-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // As any directory that a program makes: the umask decides. A temporary one would be the owner's alone.
        builder.permissions(fs::Permissions::from_mode(0o777));
    }
    builder.tempdir_in(parent).map_err(|error| RecordError::io(parent, &error))
}

fn write_synced(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn sync_directory(path: &Path) -> Result<(), RecordError> {
    if cfg!(unix) {
        File::open(path).and_then(|directory| directory.sync_all()).map_err(|error| RecordError::io(path, &error))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(path: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn all_files_appear_and_nothing_else() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("new").join("recording");
        write_whole(&path, &[(MANIFEST, b"1".to_vec()), ("a.csv", b"2".to_vec())], false).unwrap();
        assert_eq!(names(&path), ["a.csv", MANIFEST]);
        assert_eq!(names(&place.path().join("new")), ["recording"]);
    }

    #[test]
    fn a_failure_leaves_nothing_behind() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("recording");
        let error = write_whole(&path, &[(MANIFEST, b"1".to_vec()), ("no/such/folder", b"2".to_vec())], false).unwrap_err();
        assert!(matches!(error, RecordError::Io { .. }), "{error}");
        assert!(names(place.path()).is_empty());
    }

    #[test]
    fn only_a_recording_is_replaced_and_only_when_told() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("recording");
        write_whole(&path, &[(MANIFEST, b"1".to_vec()), ("old", b"".to_vec())], false).unwrap();
        assert!(matches!(write_whole(&path, &[(MANIFEST, b"2".to_vec())], false), Err(RecordError::Exists { .. })));
        write_whole(&path, &[(MANIFEST, b"3".to_vec())], true).unwrap();
        assert_eq!(names(&path), [MANIFEST]);
        assert_eq!(fs::read(path.join(MANIFEST)).unwrap(), b"3");
        assert_eq!(names(place.path()), ["recording"]);
        let precious = place.path().join("precious");
        fs::create_dir(&precious).unwrap();
        assert!(matches!(write_whole(&precious, &[(MANIFEST, b"4".to_vec())], true), Err(RecordError::Exists { .. })));
    }

    #[test]
    fn a_failed_replacement_leaves_the_old_one() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("recording");
        write_whole(&path, &[(MANIFEST, b"1".to_vec())], false).unwrap();
        assert!(write_whole(&path, &[(MANIFEST, b"2".to_vec()), ("no/such/folder", b"".to_vec())], true).is_err());
        assert_eq!(fs::read(path.join(MANIFEST)).unwrap(), b"1");
        assert_eq!(names(place.path()), ["recording"]);
    }
}
