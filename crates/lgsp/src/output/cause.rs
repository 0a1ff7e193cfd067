//! What the operating system says when it refuses, in the person's language.

use std::io::{self, ErrorKind};

use terms::fault::Sentence;

/// The usual refusals; what is none of them keeps its own words.
const KNOWN: [(ErrorKind, &str); 22] = [
    (ErrorKind::NotFound, "không có tệp hoặc thư mục này"),
    (ErrorKind::PermissionDenied, "không đủ quyền"),
    (ErrorKind::AlreadyExists, "đã có sẵn"),
    (ErrorKind::IsADirectory, "đây là thư mục, không phải tệp"),
    (ErrorKind::NotADirectory, "đường dẫn đi qua một tệp không phải thư mục"),
    (ErrorKind::DirectoryNotEmpty, "thư mục không trống"),
    (ErrorKind::ReadOnlyFilesystem, "hệ thống tệp chỉ cho đọc"),
    (ErrorKind::StorageFull, "đĩa hết chỗ"),
    (ErrorKind::QuotaExceeded, "hết hạn mức đĩa"),
    (ErrorKind::FileTooLarge, "tệp quá lớn"),
    (ErrorKind::InvalidData, "nội dung không đọc được, tệp văn bản phải là UTF-8"),
    (ErrorKind::InvalidInput, "tham số không hợp lệ"),
    (ErrorKind::AddrInUse, "địa chỉ đang được chương trình khác dùng"),
    (ErrorKind::AddrNotAvailable, "máy này không có địa chỉ đó"),
    (ErrorKind::ConnectionRefused, "bên kia từ chối kết nối"),
    (ErrorKind::ConnectionReset, "kết nối bị cắt"),
    (ErrorKind::ConnectionAborted, "kết nối bị cắt"),
    (ErrorKind::HostUnreachable, "không tới được máy đó"),
    (ErrorKind::NetworkUnreachable, "không tới được mạng đó"),
    (ErrorKind::TimedOut, "hết thời gian chờ"),
    (ErrorKind::UnexpectedEof, "hết dữ liệu giữa chừng"),
    (ErrorKind::OutOfMemory, "hết bộ nhớ"),
];

/// Too many open files: the standard library has no kind for it.
const EMFILE: i32 = libc::EMFILE;

/// Why it could not be done: a Vietnamese sentence with the system's own words behind it, so that
/// both a clerk and a search engine can use it; in English the system's words.
pub(crate) fn cause(error: &io::Error) -> Sentence {
    let raw = error.to_string();
    let known = KNOWN.iter().find(|(kind, _)| *kind == error.kind()).map(|(_, vi)| *vi);
    let vi = match error.raw_os_error() {
        Some(EMFILE) => Some("quá nhiều tệp đang mở"),
        _ => known,
    };
    Sentence::made(vi.map_or_else(|| raw.clone(), |vi| format!("{vi} ({raw})")), raw)
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::cause;

    #[test]
    fn the_systems_words_follow_the_sentence() {
        for (number, vi) in [
            (
                libc::ENOENT,
                "không có tệp hoặc thư mục này (No such file or directory (os error 2))",
            ),
            (libc::EACCES, "không đủ quyền (Permission denied (os error 13))"),
            (libc::ENOSPC, "đĩa hết chỗ (No space left on device (os error 28))"),
            (libc::EROFS, "hệ thống tệp chỉ cho đọc (Read-only file system (os error 30))"),
            (libc::EISDIR, "đây là thư mục, không phải tệp (Is a directory (os error 21))"),
            (libc::EMFILE, "quá nhiều tệp đang mở (Too many open files (os error 24))"),
            (
                libc::EADDRINUSE,
                "địa chỉ đang được chương trình khác dùng (Address already in use (os error 98))",
            ),
            (libc::ECONNREFUSED, "bên kia từ chối kết nối (Connection refused (os error 111))"),
            (libc::ELOOP, "Too many levels of symbolic links (os error 40)"),
        ] {
            let told = cause(&io::Error::from_raw_os_error(number));
            assert_eq!(told.vi, vi);
            assert!(!told.en.is_empty() && vi.contains(&*told.en), "{}", told.en);
        }
    }
}
