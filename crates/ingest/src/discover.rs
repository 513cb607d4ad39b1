use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

use walkdir::{DirEntry, WalkDir};

use crate::IngestError;

/// A file to check.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    /// Where it lies.
    pub path: PathBuf,
    /// How it is named in findings: the path as given, with `/` between its parts.
    pub shown: String,
}

/// Lists the files below the paths that a user names.
///
/// Folders are walked to the end, links are followed, loops are not. Hidden files and the lock files
/// of Office (`~$…`) are passed over below a folder, and read where they are named. A file that is
/// reached twice is listed once. Files of formats that are not read are listed too: they become
/// findings.
///
/// # Errors
/// A path that does not exist, a folder that cannot be listed, or one without any file.
pub fn discover(paths: &[PathBuf]) -> Result<Vec<Found>, IngestError> {
    let mut by_name = BTreeMap::new();
    for path in paths {
        let metadata = fs::metadata(path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => IngestError::Missing { path: path.clone() },
            _ => IngestError::Unlistable {
                path: path.clone(),
                source,
            },
        })?;
        if metadata.is_dir() {
            let before = by_name.len();
            let mut seen = false;
            for entry in files_below(path) {
                let entry = entry?;
                seen = true;
                by_name.insert(shown(&entry), entry);
            }
            if !seen && by_name.len() == before {
                return Err(IngestError::EmptyFolder { path: path.clone() });
            }
        } else {
            by_name.insert(shown(path), path.clone());
        }
    }
    let mut places = BTreeSet::new();
    Ok(by_name
        .into_iter()
        .filter(|(_, path)| places.insert(fs::canonicalize(path).unwrap_or_else(|_| path.clone())))
        .map(|(shown, path)| Found { path, shown })
        .collect())
}

fn files_below(folder: &Path) -> impl Iterator<Item = Result<PathBuf, IngestError>> {
    WalkDir::new(folder)
        .follow_links(true)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(|entry| entry.depth() == 0 || !is_passed_over(entry))
        .filter_map(|entry| match entry {
            Ok(entry) => entry.file_type().is_file().then(|| Ok(entry.into_path())),
            // A loop of links leads back to files that are listed already.
            Err(error) if error.loop_ancestor().is_some() => None,
            Err(error) => {
                let path = error.path().map(Path::to_path_buf).unwrap_or_default();
                let source = io::Error::from(error);
                // A link that leads nowhere is no file.
                (source.kind() != io::ErrorKind::NotFound)
                    .then_some(Err(IngestError::Unlistable { path, source }))
            }
        })
}

fn is_passed_over(entry: &DirEntry) -> bool {
    let name = entry.file_name().to_string_lossy();
    name.starts_with('.') || name.starts_with("~$")
}

fn shown(path: &Path) -> String {
    let shown = path.to_string_lossy();
    let shown = if cfg!(windows) {
        shown.replace('\\', "/")
    } else {
        shown.into_owned()
    };
    shown
        .strip_prefix("./")
        .map_or(shown.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "words").unwrap();
        }
        folder
    }

    fn names(folder: &Path, found: &[Found]) -> Vec<String> {
        let prefix = format!("{}/", folder.display());
        found
            .iter()
            .map(|found| found.shown.replacen(&prefix, "", 1))
            .collect()
    }

    #[test]
    fn folders_are_walked_in_order_and_without_what_is_hidden() {
        let folder = folder(&["b.pdf", "a/z.txt", "a/.x", ".git/c", "a/~$z.docx", "c.json"]);
        let found = discover(&[folder.path().to_path_buf()]).unwrap();
        assert_eq!(names(folder.path(), &found), ["a/z.txt", "b.pdf", "c.json"]);
    }

    #[test]
    fn a_file_is_listed_once() {
        let folder = folder(&["a.txt"]);
        let file = folder.path().join("a.txt");
        let found = discover(&[file.clone(), folder.path().to_path_buf(), file]).unwrap();
        assert_eq!(found.len(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn loops_of_links_and_dead_links_end() {
        let folder = folder(&["a/b.txt"]);
        std::os::unix::fs::symlink(folder.path(), folder.path().join("a/up")).unwrap();
        std::os::unix::fs::symlink("nowhere", folder.path().join("a/dead")).unwrap();
        let found = discover(&[folder.path().to_path_buf()]).unwrap();
        assert_eq!(names(folder.path(), &found), ["a/b.txt"]);
    }

    #[test]
    fn what_is_not_there_is_named() {
        let folder = folder(&[]);
        let missing = folder.path().join("no.pdf");
        let error = discover(std::slice::from_ref(&missing)).unwrap_err();
        assert!(error.to_string().contains("no.pdf"), "{error}");
        let error = discover(&[folder.path().to_path_buf()]).unwrap_err();
        assert!(error.help().contains("DOCX"), "{error}: {}", error.help());
    }
}
