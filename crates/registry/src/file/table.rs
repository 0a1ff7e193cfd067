//! The entries of the registry file as tables of data: each field, its form, its default.

use terms::{limit, portal};

use crate::service::CONTEXT_SEGMENTS_MAX;

/// The five kinds of entries that are kept here, and credentials, which `access` keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Noun {
    /// `members`
    Member,
    /// `systems`
    System,
    /// `services`
    Service,
    /// `services[].versions`
    Version,
    /// `subscriptions`
    Subscription,
    /// `credentials`
    Credential,
}

impl Noun {
    /// The word in the output of `apply`, in audit rows and in the feed of changes.
    pub fn as_str(self) -> &'static str {
        match self {
            Noun::Member => "member",
            Noun::System => "system",
            Noun::Service => "service",
            Noun::Version => "version",
            Noun::Subscription => "subscription",
            Noun::Credential => "credential",
        }
    }

    /// The section of the file, and its fields in the order of export.
    pub(crate) fn fields(self) -> &'static [Field] {
        match self {
            Noun::Member => MEMBER,
            Noun::System => SYSTEM,
            Noun::Service => SERVICE,
            Noun::Version => VERSION,
            Noun::Subscription => SUBSCRIPTION,
            Noun::Credential => CREDENTIAL,
        }
    }

    /// The noun whose entries stand in a section of the file.
    pub(crate) fn of_section(section: &str) -> Option<Noun> {
        Some(match section {
            "members" => Noun::Member,
            "systems" => Noun::System,
            "services" => Noun::Service,
            "subscriptions" => Noun::Subscription,
            "credentials" => Noun::Credential,
            _ => return None,
        })
    }
}

/// Top-level keys of the file.
pub(crate) const SECTIONS: [&str; 6] =
    ["format", "members", "systems", "services", "subscriptions", "credentials"];

/// One field of an entry.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) form: Form,
    pub(crate) need: Need,
    /// The value that counts as absent, as it is written in the file.
    pub(crate) default: Option<&'static str>,
}

/// When a field must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// Part of the key, so in every mention.
    Key,
    /// When the entry is new; it cannot be cleared.
    New,
    /// Never.
    Free,
}

/// The form of a value.
#[derive(Debug)]
pub(crate) enum Form {
    /// Text for people, at most so many characters.
    Text(usize),
    /// Code of an agency.
    Member,
    /// Code or alias of a member that is registered.
    Owner,
    /// Code of a system.
    System,
    /// Code of a service.
    Service,
    /// Name of a version.
    Version,
    /// The public half of a credential.
    ConsumerKey,
    /// One of these words.
    Word(&'static [&'static str]),
    /// `true` or `false`.
    Flag,
    /// A whole number from 1 to this.
    Number(u64),
    /// `20s`, at most so many seconds.
    Duration(u64),
    /// `32MiB`
    Size,
    /// `600/min`
    Rate,
    /// `100000/day`
    Quota,
    /// `2026-12-31`
    Date,
    /// A date or RFC 3339.
    Moment,
    /// `mon-fri`
    Days,
    /// `07:00-18:00`
    Hours,
    /// CIDR or address.
    Network,
    /// An HTTP method.
    Method,
    /// A provider's address.
    Endpoint,
    /// A regular expression.
    Pattern,
    /// `/datdai`
    Context,
    /// An X-Road id, `VN:GOV:000.00.00.G22:vpcpdvcprovider`.
    Destination,
    /// A name of a wire protocol, sent as it stands.
    Name,
    /// A path below an endpoint, perhaps with a query.
    Path,
    /// Name of a header field that we may send.
    Header,
    /// `env:NAME` or `file:PATH`.
    Reference,
    /// A secret in clear, `env:NAME` or `file:PATH`.
    Secret,
    /// A list, at most so long; the flag tells whether it may be empty.
    List(&'static Form, usize, bool),
    /// A map of fields.
    Map(&'static [Field]),
    /// Entries of their own.
    Entries,
}

const fn field(name: &'static str, form: Form, need: Need) -> Field {
    Field { name, form, need, default: None }
}

const fn free(name: &'static str, form: Form) -> Field {
    field(name, form, Need::Free)
}

const fn with_default(name: &'static str, form: Form, default: &'static str) -> Field {
    Field { name, form, need: Need::Free, default: Some(default) }
}

const ENVIRONMENTS: &[&str] = &["trial", "live"];
const NAME_CHARS_MAX: usize = 500;
const LIST_MAX: usize = 256;

const MEMBER: &[Field] = &[
    field("code", Form::Member, Need::Key),
    free("aliases", Form::List(&Form::Member, LIST_MAX, true)),
    field("name", Form::Text(NAME_CHARS_MAX), Need::New),
    free("parent", Form::Member),
    free("contact", Form::Map(CONTACT)),
    with_default("state", Form::Word(&["active", "ended"]), "active"),
];

const CONTACT: &[Field] = &[
    free("name", Form::Text(NAME_CHARS_MAX)),
    free("title", Form::Text(NAME_CHARS_MAX)),
    free("phone", Form::Text(NAME_CHARS_MAX)),
    free("email", Form::Text(NAME_CHARS_MAX)),
];

const SYSTEM: &[Field] = &[
    field("code", Form::System, Need::Key),
    field("member", Form::Owner, Need::New),
    free("name", Form::Text(NAME_CHARS_MAX)),
    free("kind", Form::Word(&["application", "database"])),
    free("addresses", Form::List(&Form::Network, LIST_MAX, true)),
    with_default("errors", Form::Word(&["modern", "legacy"]), "modern"),
    with_default("token_lifetime", Form::Duration(limit::TOKEN_LIFETIME_MAX.as_secs()), "3600s"),
    with_default("state", Form::Word(&["active", "stopped"]), "active"),
];

const SERVICE: &[Field] = &[
    field("code", Form::Service, Need::Key),
    field("provider", Form::Owner, Need::New),
    free("name", Form::Text(NAME_CHARS_MAX)),
    field("context", Form::Context, Need::New),
    free("destination", Form::Destination),
    free("role", Form::Word(&["statistics"])),
    field("versions", Form::Entries, Need::Free),
];

const VERSION: &[Field] = &[
    field("version", Form::Version, Need::Key),
    free("aliases", Form::List(&Form::Version, LIST_MAX, true)),
    with_default(
        "state",
        Form::Word(&["trial", "published", "superseded", "retired"]),
        "published",
    ),
    free("sunset", Form::Date),
    with_default("protocol", Form::Word(&["rest", "portal"]), "rest"),
    free("methods", Form::List(&Form::Method, LIST_MAX, false)),
    field("endpoints", Form::Map(ENDPOINTS), Need::New),
    free("auth", Form::Map(AUTH)),
    free("portal", Form::Map(PORTAL)),
    free("tls", Form::Map(TLS)),
    free("timeout", Form::Duration(limit::BULK_MAX.as_secs())),
    with_default("idempotent", Form::Flag, "false"),
    with_default("bulk", Form::Flag, "false"),
    with_default("body_max", Form::Size, "32MiB"),
    with_default("in_flight_max", Form::Number(1_000_000), "2048"),
    free("parameters", Form::List(&Form::Map(PARAMETER), LIST_MAX, true)),
    with_default("encoded_slash", Form::Word(&["refuse", "pass"]), "refuse"),
];

const ENDPOINTS: &[Field] = &[
    free("trial", Form::List(&Form::Endpoint, 16, true)),
    free("live", Form::List(&Form::Endpoint, 16, true)),
];

const AUTH: &[Field] = &[
    field("kind", Form::Word(&["none", "header", "basic", "bearer"]), Need::New),
    free("name", Form::Header),
    free("secret", Form::Reference),
];

const PORTAL: &[Field] = &[
    with_default("login", Form::Path, portal::LOGIN_PATH),
    with_default("data", Form::Path, portal::DATA_PATH),
    free("share", Form::Path),
    free("user", Form::Text(NAME_CHARS_MAX)),
    free("secret", Form::Reference),
    free("unit", Form::Text(NAME_CHARS_MAX)),
    with_default("destination_in", Form::Word(&["header", "query", "both"]), "header"),
    with_default("exists", Form::Word(&["pass", "update"]), "pass"),
    free("names", Form::Map(PORTAL_NAMES)),
    free("session_refused", Form::List(&Form::Text(NAME_CHARS_MAX), LIST_MAX, true)),
];

const PORTAL_NAMES: &[Field] = &[
    with_default("user", Form::Name, "username"),
    with_default("secret", Form::Name, "password"),
    with_default("session", Form::Name, "session"),
    with_default("unit", Form::Name, "madonvi"),
    with_default("service", Form::Name, "service"),
    with_default("updating", Form::Name, "isUpdating"),
    with_default("destination", Form::Name, "dstcode"),
];

const TLS: &[Field] = &[
    free("ca", Form::Reference),
    free("certificate", Form::Reference),
    free("key", Form::Reference),
];

const PARAMETER: &[Field] = &[
    field("name", Form::Text(128), Need::Key),
    field("in", Form::Word(&["path", "query", "header"]), Need::Key),
    with_default("required", Form::Flag, "false"),
    free("pattern", Form::Pattern),
];

const SUBSCRIPTION: &[Field] = &[
    field("system", Form::System, Need::Key),
    field("service", Form::Service, Need::Key),
    field("version", Form::Version, Need::Key),
    field("environment", Form::Word(ENVIRONMENTS), Need::Key),
    free("methods", Form::List(&Form::Method, LIST_MAX, false)),
    free("operations", Form::List(&Form::Name, LIST_MAX, false)),
    with_default("packets", Form::Word(&["report", "refuse", "strict"]), "report"),
    free("rate", Form::Rate),
    free("quota", Form::Quota),
    with_default("days", Form::Days, "mon-sun"),
    with_default("hours", Form::Hours, "00:00-24:00"),
    free("from", Form::Date),
    free("until", Form::Date),
    with_default("state", Form::Word(&["active", "suspended", "cancelled"]), "active"),
];

const CREDENTIAL: &[Field] = &[
    field("system", Form::System, Need::Key),
    field("environment", Form::Word(ENVIRONMENTS), Need::Key),
    free("consumer_key", Form::ConsumerKey),
    free("secret_key", Form::Secret),
    free("weak_until", Form::Moment),
];

/// The form in words, for the refusal of a value: code of the fault, Vietnamese, English.
pub(crate) fn expected(form: &Form) -> (&'static str, String, String) {
    let (code, vi, en) = match form {
        Form::Text(max) => (
            "text_invalid",
            format!("một dòng chữ, 1 đến {max} ký tự, không có ký tự điều khiển"),
            format!("one line of text, 1 to {max} characters, none of them a control character"),
        ),
        Form::Word(words) => {
            let words = words.join(", ");
            ("word_unknown", format!("một trong: {words}"), format!("one of: {words}"))
        }
        Form::Number(max) => (
            "number_invalid",
            format!("số nguyên từ 1 đến {max}"),
            format!("a whole number from 1 to {max}"),
        ),
        Form::Duration(max) => (
            "duration_invalid",
            format!("thời lượng như 500ms, 20s, 5m, 1h; tối đa {max}s"),
            format!("a duration such as 500ms, 20s, 5m, 1h; at most {max}s"),
        ),
        Form::Context => (
            "context_invalid",
            format!("'/' và 1 đến {CONTEXT_SEGMENTS_MAX} đoạn gồm chữ không dấu, số, '-._~'"),
            format!("'/' and 1 to {CONTEXT_SEGMENTS_MAX} segments of letters, digits, '-._~'"),
        ),
        fixed => {
            let (code, vi, en) = expected_always(fixed);
            (code, vi.to_owned(), en.to_owned())
        }
    };
    (code, vi, en)
}

/// The same for forms without a number in them.
#[rustfmt::skip]
const fn expected_always(form: &Form) -> (&'static str, &'static str, &'static str) {
    match form {
        Form::Member | Form::Owner => ("code_invalid", "mã cơ quan như H01.013, 000.00.13.H01 hoặc mã số doanh nghiệp", "an agency code such as H01.013, 000.00.13.H01, or an enterprise's number"),
        Form::System | Form::Service | Form::Version => ("code_invalid", "chữ không dấu, số, '-', '_', '.', bắt đầu bằng chữ hoặc số, tối đa 64 ký tự", "letters, digits, '-', '_', '.', beginning with a letter or digit, at most 64"),
        Form::ConsumerKey => ("key_invalid", "1 đến 128 ký tự ASCII nhìn thấy được, không có ':'", "1 to 128 visible ASCII characters without ':'"),
        Form::Flag => ("flag_invalid", "true hoặc false", "true or false"),
        Form::Size => ("size_invalid", "dung lượng như 64KiB, 32MiB", "a size such as 64KiB, 32MiB"),
        Form::Rate => ("rate_invalid", "tần suất như 10/s, 600/min, 5000/h", "a rate such as 10/s, 600/min, 5000/h"),
        Form::Quota => ("quota_invalid", "hạn mức như 100000/day, 1000000/month", "a quota such as 100000/day, 1000000/month"),
        Form::Date => ("date_invalid", "ngày như 2026-12-31", "a date such as 2026-12-31"),
        Form::Moment => ("date_invalid", "ngày như 2026-12-31 hoặc thời điểm RFC 3339", "a date such as 2026-12-31, or RFC 3339"),
        Form::Days => ("days_invalid", "ngày trong tuần như mon-fri hoặc mon,wed,sat", "days such as mon-fri or mon,wed,sat"),
        Form::Hours => ("hours_invalid", "giờ như 07:00-18:00 hoặc 22:00-06:00", "hours such as 07:00-18:00 or 22:00-06:00"),
        Form::Network => ("network_invalid", "địa chỉ hoặc mạng như 10.1.0.0/16, phần máy bằng 0", "an address or a network such as 10.1.0.0/16, host bits zero"),
        Form::Method => ("method_invalid", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS (chữ hoa)", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS (capitals)"),
        Form::Endpoint => ("url_invalid", "http[s]://máy[:cổng][/đường-dẫn], không có tài khoản, '?', '#', '.' hay '..'", "http[s]://host[:port][/path] without user, '?', '#', '.' or '..'"),
        Form::Pattern => ("pattern_invalid", "biểu thức chính quy đọc được và không quá lớn", "a regular expression that can be read and is not too large"),
        Form::Destination => ("destination_invalid", "mã X-Road như VN:GOV:000.00.00.G22:hethong, 3 đến 4 phần", "an X-Road id such as VN:GOV:000.00.00.G22:system, 3 to 4 parts"),
        Form::Name => ("name_invalid", "chữ không dấu, số, '-', '_', '.', tối đa 128 ký tự", "letters, digits, '-', '_', '.', at most 128"),
        Form::Path => ("path_invalid", "đường dẫn bắt đầu bằng '/', không có '#', '.' hay '..'", "a path beginning with '/', without '#', '.' or '..'"),
        Form::Header => ("header_invalid", "tên header, hoặc tên người dùng của kind: basic", "a header name, or the user of kind: basic"),
        Form::Reference => ("secret_form", "env:TÊN_BIẾN hoặc file:/đường/dẫn, không ghi bí mật trực tiếp", "env:NAME or file:/path, never the secret itself"),
        Form::Secret => ("secret_form", "env:TÊN_BIẾN, file:/đường/dẫn, hoặc 1 đến 256 ký tự", "env:NAME, file:/path, or 1 to 256 characters"),
        Form::Map(_) => ("type_wrong", "một nhóm khóa: giá trị", "a map"),
        _ => ("type_wrong", "một danh sách", "a list"),
    }
}
