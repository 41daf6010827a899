use std::ffi::OsString;
use std::fmt::Debug;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use data_encoding::BASE64URL_NOPAD;
use zeroize::Zeroizing;

use super::ring::Ring;
use super::{Key, KeyRing, base64url};
use crate::clock::{Entropy, SystemEntropy};
use crate::error::Broken;

/// Where the operator keeps the keys: a file, the environment, a key service of your own.
pub trait KeySource: Debug + Send + Sync {
    /// Reads the ring, once, before `Auth` is built.
    ///
    /// # Errors
    /// [`Broken::Keys`] with a reason that holds no part of a key. Never an empty or a made-up ring.
    fn load(&self) -> Result<KeyRing, Broken>;
}

/// Keys in a file that only its owner can read:
///
/// ```text
/// propusk-keys-1
/// index=<43 characters of base64url: 32 bytes>
/// current=<the same>
/// old=<the same; any number of such lines>
/// ```
///
/// ```
/// use propusk::clock::SystemEntropy;
/// use propusk::secret::{FileKeys, KeySource};
///
/// # let folder = std::env::temp_dir().join(format!("propusk-doc-keys-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// # let path = folder.join("keys");
/// let file = FileKeys::at(&path);
/// // Once, before the first start: a file that is there is left alone.
/// file.create()?;
/// let keys = file.load()?;
/// // Now and then. What was sealed before still opens, and is sealed anew when it is written.
/// file.rotate(&SystemEntropy)?;
/// # drop(keys);
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct FileKeys {
    path: PathBuf,
}

impl FileKeys {
    /// The file at `path`. Nothing is read or made yet.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Makes the file with new keys when there is none, readable by its owner only. `true` when it was made. Of several
    /// processes that start at once one makes it, and a file that is there is never touched.
    ///
    /// # Errors
    /// [`Broken::Keys`] when it cannot be written, [`Broken::Entropy`] when there is no randomness.
    pub fn create(&self) -> Result<bool, Broken> {
        if self.path.exists() {
            return Ok(false);
        }
        let mut suffix = [0; 8];
        SystemEntropy.fill(&mut suffix)?;
        let temporary = beside(&self.path, &format!(".{}", *base64url(&suffix)));
        let ring = Ring {
            current: Key::random(&SystemEntropy)?,
            old: Vec::new(),
            index: Key::random(&SystemEntropy)?,
        };
        // A link fails when the name is taken, where a rename would put new keys over keys already in use.
        let made = open_new(&temporary)
            .and_then(|file| write(file, &ring))
            .and_then(|()| fs::hard_link(&temporary, &self.path));
        let _ = fs::remove_file(&temporary);
        match made {
            Ok(()) => settle(&self.path).map(|()| true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(_) => Err(CANNOT_WRITE),
        }
    }

    /// Puts a new current key into the file and keeps the one before as an old one. Processes that run see it when they
    /// load again; where several nodes run, first add the new key as `old` on all of them by hand.
    ///
    /// # Errors
    /// [`Broken::Keys`] when the file cannot be read or written, or when another rotation is under way; the file is then
    /// as it was.
    pub fn rotate(&self, entropy: &dyn Entropy) -> Result<(), Broken> {
        let next = beside(&self.path, ".rotating");
        // Taken before the file is read, and the only one of its name: of two rotations at once one would lose a key
        // under which rows were sealed already.
        let file = open_new(&next).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => Broken::Keys(
                "another rotation is under way; after one that was cut off, remove the file that ends in .rotating",
            ),
            _ => CANNOT_WRITE,
        })?;
        let rotated = read_private(&self.path).and_then(|text| parse(&text)).and_then(|mut ring| {
            let before = std::mem::replace(&mut ring.current, Key::random(entropy)?);
            ring.old.insert(0, before);
            write(file, &ring).and_then(|()| fs::rename(&next, &self.path)).map_err(|_| CANNOT_WRITE)
        });
        match rotated {
            Ok(()) => settle(&self.path),
            Err(broken) => {
                let _ = fs::remove_file(&next);
                Err(broken)
            }
        }
    }
}

impl KeySource for FileKeys {
    fn load(&self) -> Result<KeyRing, Broken> {
        ring(&read_private(&self.path)?)
    }
}

/// Keys in an environment variable: the text of [`FileKeys`], with spaces or line ends between its parts.
#[derive(Clone, Debug)]
pub struct EnvKeys {
    name: OsString,
}

impl EnvKeys {
    /// The variable of that name.
    pub fn named(name: impl Into<OsString>) -> Self {
        Self { name: name.into() }
    }
}

impl Default for EnvKeys {
    /// The variable `PROPUSK_KEYS`.
    fn default() -> Self {
        Self::named("PROPUSK_KEYS")
    }
}

impl KeySource for EnvKeys {
    fn load(&self) -> Result<KeyRing, Broken> {
        let text = std::env::var_os(&self.name).ok_or(Broken::Keys("the environment variable is not set"))?;
        let bytes = Zeroizing::new(text.into_encoded_bytes());
        ring(std::str::from_utf8(&bytes).map_err(|_| MALFORMED)?)
    }
}

const HEAD: &str = "propusk-keys-1";
const FILE_LIMIT: u64 = 64 * 1024;
const MALFORMED: Broken = Broken::Keys("the keys are not in the format propusk-keys-1");
const CANNOT_WRITE: Broken = Broken::Keys("the key file cannot be written");

fn ring(text: &str) -> Result<KeyRing, Broken> {
    let Ring { current, old, index } = parse(text)?;
    Ok(old.into_iter().fold(KeyRing::new(current, index), KeyRing::with_old))
}

fn parse(text: &str) -> Result<Ring, Broken> {
    let mut words = text.split_ascii_whitespace();
    if words.next() != Some(HEAD) {
        return Err(MALFORMED);
    }
    let (mut current, mut index, mut old) = (None, None, Vec::new());
    for word in words {
        let (name, value) = word.split_once('=').ok_or(MALFORMED)?;
        let bytes = Zeroizing::new(BASE64URL_NOPAD.decode(value.as_bytes()).map_err(|_| MALFORMED)?);
        let key = Key::from_bytes(&bytes)?;
        match name {
            "current" if current.is_none() => current = Some(key),
            "index" if index.is_none() => index = Some(key),
            "old" => old.push(key),
            _ => return Err(Broken::Keys("an unknown or repeated name among the keys")),
        }
    }
    match (current, index) {
        (Some(current), Some(index)) => Ok(Ring { current, old, index }),
        _ => Err(Broken::Keys("the current key or the index key is missing")),
    }
}

fn read_private(path: &Path) -> Result<Zeroizing<String>, Broken> {
    let file = File::open(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Broken::Keys("there is no key file"),
        _ => CANNOT_READ,
    })?;
    // Of the open file and not of the path: nobody can put another file there in between.
    let about = file.metadata().map_err(|_| CANNOT_READ)?;
    if about.len() > FILE_LIMIT {
        return Err(MALFORMED);
    }
    #[cfg(unix)]
    if std::os::unix::fs::PermissionsExt::mode(&about.permissions()) & 0o077 != 0 {
        return Err(Broken::Keys("the key file is open to its group or to others: give it mode 600"));
    }
    // Room for everything at once: a buffer that grew would leave keys behind.
    let mut text = Zeroizing::new(String::with_capacity(FILE_LIMIT as usize + 1));
    file.take(FILE_LIMIT).read_to_string(&mut text).map_err(|_| CANNOT_READ)?;
    Ok(text)
}

const CANNOT_READ: Broken = Broken::Keys("the key file cannot be read");

fn write(mut file: File, ring: &Ring) -> io::Result<()> {
    let mut text = Zeroizing::new(String::with_capacity(128 + 64 * (ring.old.len() + 2)));
    text.push_str(HEAD);
    let olds = ring.old.iter().map(|key| ("old", key));
    for (name, key) in [("index", &ring.index), ("current", &ring.current)].into_iter().chain(olds) {
        text.push('\n');
        text.push_str(name);
        text.push('=');
        text.push_str(&base64url(key.expose()));
    }
    text.push('\n');
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn open_new(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Makes the new name survive a power cut: rows are sealed under this key from now on.
fn settle(path: &Path) -> Result<(), Broken> {
    #[cfg(unix)]
    {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(|_| CANNOT_WRITE)?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
