use std::fs;
use std::path::PathBuf;

use super::*;

/// A folder of its own that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let mut name = [0; 8];
        SystemEntropy.fill(&mut name).unwrap();
        let path = std::env::temp_dir().join(format!("propusk-keys-{}", HEXLOWER.encode(&name)));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("keys")
    }

    fn names(&self) -> Vec<String> {
        fs::read_dir(&self.0)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    fn holds(&self, text: &str) -> FileKeys {
        let _ = fs::remove_file(self.file());
        assert!(FileKeys::at(self.file()).create().unwrap());
        fs::write(self.file(), text).unwrap();
        FileKeys::at(self.file())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn loaded(source: &dyn KeySource) -> Keys {
    Keys::new(source.load().unwrap(), Realm::new("shop")).unwrap()
}

fn reason(source: &dyn KeySource) -> &'static str {
    match source.load() {
        Err(Broken::Keys(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

fn line(name: &str, seed: u8) -> String {
    format!("{name}={}\n", *base64url(key(seed).expose()))
}

#[test]
fn the_first_start_makes_keys_and_the_second_finds_them() {
    let folder = Folder::new();
    let file = FileKeys::at(folder.file());
    assert_eq!(reason(&file), "there is no key file");
    assert!(file.create().unwrap());
    let canary = loaded(&file).canary(&SystemEntropy).unwrap();
    let text = fs::read(folder.file()).unwrap();
    assert!(!file.create().unwrap());
    assert_eq!(fs::read(folder.file()).unwrap(), text);
    loaded(&file).check_canary(&canary).unwrap();
    assert_eq!(folder.names(), ["keys"]);
}

#[test]
fn of_many_first_starts_at_once_one_makes_the_keys() {
    let folder = Folder::new();
    let gate = std::sync::Barrier::new(16);
    let made = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                gate.wait();
                let file = FileKeys::at(folder.file());
                made.fetch_add(usize::from(file.create().unwrap()), Ordering::SeqCst);
                file.load().unwrap();
            });
        }
    });
    assert_eq!(made.load(Ordering::SeqCst), 1);
    assert_eq!(folder.names(), ["keys"]);
}

#[cfg(unix)]
#[test]
fn a_file_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let file = FileKeys::at(folder.file());
    file.create().unwrap();
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(folder.file()), 0o600);
    for open in [0o640, 0o604, 0o620, 0o602, 0o610, 0o644, 0o777] {
        fs::set_permissions(folder.file(), fs::Permissions::from_mode(open)).unwrap();
        assert!(reason(&file).contains("mode 600"), "{open:o}");
        assert!(matches!(file.rotate(&SystemEntropy), Err(Broken::Keys(_))), "{open:o}");
    }
    for shut in [0o600, 0o400] {
        fs::set_permissions(folder.file(), fs::Permissions::from_mode(shut)).unwrap();
        file.load().unwrap();
    }
    file.rotate(&SystemEntropy).unwrap();
    assert_eq!(mode(folder.file()), 0o600);
}

#[test]
fn a_rotation_keeps_what_was_sealed_and_found_before() {
    let folder = Folder::new();
    let file = FileKeys::at(folder.file());
    file.create().unwrap();
    let here = Place::new(Purpose::Credential, b"row");
    let first = loaded(&file);
    let mut sealed = vec![first.seal(&SystemEntropy, &here, b"0").unwrap()];
    for round in 1..4_u8 {
        file.rotate(&SystemEntropy).unwrap();
        let keys = loaded(&file);
        assert!(sealed.iter().all(|old| !keys.is_current(old) && keys.open(&here, old).is_ok()));
        assert_eq!(keys.lookup(Purpose::Lookup, &[b"x"]), first.lookup(Purpose::Lookup, &[b"x"]));
        sealed.push(keys.seal(&SystemEntropy, &here, &[round]).unwrap());
    }
    assert_eq!(folder.names(), ["keys"]);
}

#[test]
fn a_rotation_that_fails_leaves_the_file_as_it_was() {
    let folder = Folder::new();
    let file = FileKeys::at(folder.file());
    assert!(matches!(file.rotate(&SystemEntropy), Err(Broken::Keys(_))));
    file.create().unwrap();
    let text = fs::read(folder.file()).unwrap();
    assert!(matches!(file.rotate(&Dry), Err(Broken::Entropy)));
    // Another rotation has begun.
    fs::write(folder.0.join("keys.rotating"), "").unwrap();
    assert!(matches!(file.rotate(&SystemEntropy), Err(Broken::Keys(reason)) if reason.contains("rotation")));
    assert_eq!(fs::read(folder.file()).unwrap(), text);
    fs::remove_file(folder.0.join("keys.rotating")).unwrap();
    file.rotate(&SystemEntropy).unwrap();
    assert_eq!(folder.names(), ["keys"]);
}

#[test]
fn of_rotations_at_once_none_loses_a_key() {
    let folder = Folder::new();
    let file = FileKeys::at(folder.file());
    file.create().unwrap();
    let gate = std::sync::Barrier::new(8);
    let done = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                gate.wait();
                for _ in 0..20 {
                    done.fetch_add(usize::from(file.rotate(&SystemEntropy).is_ok()), Ordering::SeqCst);
                }
            });
        }
    });
    let text = fs::read_to_string(folder.file()).unwrap();
    assert!(done.load(Ordering::SeqCst) > 0);
    assert_eq!(text.matches("old=").count(), done.load(Ordering::SeqCst));
}

#[test]
fn a_file_that_is_not_whole_is_refused_without_repeating_it() {
    let folder = Folder::new();
    let (current, index) = (line("current", 1), line("index", 101));
    let head = "propusk-keys-1\n";
    folder.holds(&format!("{head}{current}{index}{}", line("old", 2))).load().unwrap();
    for bad in [
        String::new(),
        String::from("propusk-keys-1"),
        format!("{current}{index}"),
        format!("propusk-keys-2\n{current}{index}"),
        format!("{head}{current}"),
        format!("{head}{index}"),
        format!("{head}{current}{index}{current}"),
        format!("{head}{current}{index}{index}"),
        format!("{head}{current}{index}next={}", "A".repeat(43)),
        format!("{head}{current}index={}", "A".repeat(43)),
        format!("{head}{current}index={}", "B".repeat(42)),
        format!("{head}{current}{}=", index.trim_end()),
        format!("{head}{current}{index}word"),
        format!("{head}{current}{}", index.get(..40).unwrap()),
        format!("{head}{current}{index}{}", " ".repeat(70_000)),
    ] {
        let reason = reason(&folder.holds(&bad));
        assert!(!reason.contains("AQID") && !reason.contains("AAAA"), "{reason}");
    }
    // One key in two roles is found when the ring is put to work.
    let twice = folder.holds(&format!("{head}{current}{}", line("index", 1))).load().unwrap();
    assert!(matches!(Keys::new(twice, Realm::new("shop")), Err(Broken::Keys(_))));
    assert!(matches!(FileKeys::at(&folder.0).load(), Err(Broken::Keys(_))), "a folder");
}

#[test]
fn keys_from_the_environment_have_the_same_text() {
    assert_eq!(reason(&EnvKeys::named("PROPUSK_TEST_NO_SUCH_KEYS")), "the environment variable is not set");
    // A process of its own: to change the environment of this one would race with the other tests.
    let child = |text: &str| {
        std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--ignored", "secret::tests::files::child_reads_its_environment"])
            .env("PROPUSK_KEYS", text)
            .output()
            .unwrap()
    };
    let (current, index) = (line("current", 1), line("index", 101));
    let spaced = format!("propusk-keys-1 {} {}", current.trim(), index.trim());
    for good in [&spaced, &format!("propusk-keys-1\r\n{current}{index}")] {
        let output = child(good);
        assert!(output.status.success() && String::from_utf8_lossy(&output.stdout).contains("1 passed"));
    }
    let output = child(&spaced.replace("index", "indez"));
    assert!(!output.status.success());
    assert!(!String::from_utf8_lossy(&output.stderr).contains(&*base64url(key(1).expose())));
}

#[test]
#[ignore = "the child process of keys_from_the_environment_have_the_same_text"]
fn child_reads_its_environment() {
    let canary = keys().canary(&SystemEntropy).unwrap();
    loaded(&EnvKeys::default()).check_canary(&canary).unwrap();
}
