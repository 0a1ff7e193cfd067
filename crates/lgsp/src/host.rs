//! What the operating system is asked for: limits of the process, disk space, the host's name.

use std::io;
use std::path::Path;

/// Switches core dumps off: a dump would hold payloads and keys (design §10).
///
/// # Errors
/// When the system refuses.
pub fn forbid_core_dumps() -> io::Result<()> {
    set_limit(libc::RLIMIT_CORE, 0, 0)
}

/// Raises the number of files this process may hold open to the hard limit; gives that limit.
///
/// # Errors
/// When the system refuses.
pub fn raise_file_limit() -> io::Result<u64> {
    let (_, hard) = limit(libc::RLIMIT_NOFILE)?;
    set_limit(libc::RLIMIT_NOFILE, hard, hard)?;
    Ok(hard)
}

/// Files this process may hold open: soft and hard limit.
///
/// # Errors
/// When the system refuses.
pub fn file_limit() -> io::Result<(u64, u64)> {
    limit(libc::RLIMIT_NOFILE)
}

#[allow(unsafe_code, reason = "getrlimit has no safe form in the standard library")]
fn limit(resource: libc::__rlimit_resource_t) -> io::Result<(u64, u64)> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the pointer is to a live value of the type the call fills.
    match unsafe { libc::getrlimit(resource, &raw mut limit) } {
        0 => Ok((limit.rlim_cur, limit.rlim_max)),
        _ => Err(io::Error::last_os_error()),
    }
}

#[allow(unsafe_code, reason = "setrlimit has no safe form in the standard library")]
fn set_limit(resource: libc::__rlimit_resource_t, soft: u64, hard: u64) -> io::Result<()> {
    let limit = libc::rlimit { rlim_cur: soft, rlim_max: hard };
    // SAFETY: the pointer is to a live value of the type the call reads.
    match unsafe { libc::setrlimit(resource, &raw const limit) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Space of the file system that holds `path`, in bytes: free for us, and in all.
///
/// # Errors
/// When the path is not there or the system refuses.
#[allow(unsafe_code, reason = "statvfs has no safe form in the standard library")]
pub fn disk_space(path: &Path) -> io::Result<(u64, u64)> {
    use std::os::unix::ffi::OsStrExt;
    let path = std::ffi::CString::new(path.as_os_str().as_bytes())?;
    // SAFETY: all-zero is a valid value of this plain structure of numbers.
    let mut space: libc::statvfs = unsafe { std::mem::zeroed() };
    // SAFETY: the path ends in NUL, the pointer is to a live value of the type the call fills.
    match unsafe { libc::statvfs(path.as_ptr(), &raw mut space) } {
        0 => Ok((
            space.f_bavail.saturating_mul(space.f_frsize),
            space.f_blocks.saturating_mul(space.f_frsize),
        )),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Places in a line of the terminal behind stdout; `None` when stdout is none.
#[allow(unsafe_code, reason = "the window's size has no safe form in the standard library")]
pub fn terminal_width() -> Option<usize> {
    let mut window = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: the pointer is to a live value of the type the call fills.
    match unsafe { libc::ioctl(libc::STDOUT_FILENO, libc::TIOCGWINSZ, &raw mut window) } {
        0 if window.ws_col > 0 => Some(usize::from(window.ws_col)),
        _ => None,
    }
}

/// The host's name, kept to what a node's name may hold; `node` when there is none.
pub fn name() -> String {
    let text = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let fits = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let name: String = text.trim().chars().filter(fits).take(64).collect();
    if name.is_empty() { "node".to_owned() } else { name }
}

/// The number of the user who runs this process.
pub fn uid() -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    Some(std::fs::metadata("/proc/self").ok()?.uid())
}

/// The name of a local user.
pub fn user_name(uid: u32) -> Option<String> {
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == uid.to_string()).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{disk_space, file_limit, name, uid, user_name};

    #[test]
    fn the_system_answers_plausibly() {
        let (free, all) = disk_space(Path::new("/")).unwrap();
        assert!(0 < free && free <= all, "{free} of {all}");
        assert!(disk_space(Path::new("/no/such/folder")).is_err());
        let (soft, hard) = file_limit().unwrap();
        assert!(0 < soft && soft <= hard, "{soft} of {hard}");
        assert!(!name().is_empty() && uid().is_some());
        assert_eq!(user_name(0).as_deref(), Some("root"));
        assert_eq!(user_name(u32::MAX - 7), None);
    }
}
