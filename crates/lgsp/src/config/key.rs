//! The table of keys: what may stand in `lgsp.toml`.

use terms::fault::Sentence;

/// One key of the configuration.
#[derive(Clone, Debug)]
pub struct Key {
    /// `section.key`.
    pub name: &'static str,
    /// What the file may hold there.
    pub form: Form,
    /// Default as people write it; empty when none.
    pub default: &'static str,
    /// What it is for.
    pub about: Sentence,
}

/// The type of a value in the file. In the environment and in flags everything is text; a list is
/// written with commas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A string.
    Text,
    /// A whole number.
    Number,
    /// `true` or `false`.
    Flag,
    /// A list of strings.
    List,
}

const fn key(
    name: &'static str,
    form: Form,
    default: &'static str,
    vi: &'static str,
    en: &'static str,
) -> Key {
    Key { name, form, default, about: Sentence::new(vi, en) }
}

/// Every key, in the order of `config show`.
#[rustfmt::skip]
pub const KEYS: &[Key] = &[
    key("platform.name", Form::Text, "LGSP", "Tên nền tảng, hiện cho người dùng", "Name of this installation, shown to people"),
    key("platform.id", Form::Text, "", "Tên riêng của nền tảng đối với nền tảng khác (Via); mặc định lấy theo bộ khóa", "By which other platforms know this one (Via); default: from the keyring"),
    key("platform.node", Form::Text, "", "Tên nút trong nhật ký; mặc định là tên máy", "Name of this node in journal rows; default: the host's name"),
    key("platform.zone", Form::Text, "Asia/Ho_Chi_Minh", "Múi giờ của ngày, hạn mức và khung giờ", "Zone of calendar days, quotas and windows"),
    key("platform.data", Form::Text, "lgsp-data", "Thư mục dữ liệu", "Data folder"),
    key("gateway.live.http", Form::Text, "127.0.0.1:8280", "HTTP môi trường chính thức (IP:cổng hoặc off)", "Live HTTP (IP:port or off)"),
    key("gateway.live.https", Form::Text, "127.0.0.1:8243", "HTTPS môi trường chính thức; cần chứng thư", "Live HTTPS; needs a certificate"),
    key("gateway.live.certificate", Form::Text, "", "Tệp chuỗi chứng thư (PEM)", "Certificate chain file (PEM)"),
    key("gateway.live.key", Form::Text, "", "Tệp khóa riêng của chứng thư (PEM)", "Private key file of the certificate (PEM)"),
    key("gateway.trial.http", Form::Text, "127.0.0.1:8281", "HTTP môi trường thử nghiệm (IP:cổng hoặc off)", "Trial HTTP (IP:port or off)"),
    key("gateway.trial.https", Form::Text, "127.0.0.1:8244", "HTTPS môi trường thử nghiệm; cần chứng thư", "Trial HTTPS; needs a certificate"),
    key("gateway.trial.certificate", Form::Text, "", "Tệp chuỗi chứng thư (PEM)", "Certificate chain file (PEM)"),
    key("gateway.trial.key", Form::Text, "", "Tệp khóa riêng của chứng thư (PEM)", "Private key file of the certificate (PEM)"),
    key("gateway.inbound.http", Form::Text, "off", "HTTP nhận lượt gọi từ phía quốc gia (IP:cổng hoặc off)", "HTTP for calls of the national side (IP:port or off)"),
    key("gateway.inbound.https", Form::Text, "off", "HTTPS nhận lượt gọi từ phía quốc gia; cần chứng thư", "HTTPS for calls of the national side; needs a certificate"),
    key("gateway.inbound.certificate", Form::Text, "", "Tệp chuỗi chứng thư (PEM)", "Certificate chain file (PEM)"),
    key("gateway.inbound.key", Form::Text, "", "Tệp khóa riêng của chứng thư (PEM)", "Private key file of the certificate (PEM)"),
    key("gateway.inbound.system", Form::Text, "", "Mã hệ thống mà phía quốc gia đứng tên khi gọi vào; bắt buộc khi mở cổng", "Code of the system in whose name the national side calls; needed when the listener is on"),
    key("gateway.inbound.destination", Form::Text, "", "Mã đích (dstcode) khi lượt gọi không mang", "Destination code (dstcode) of calls that bring none"),
    key("gateway.facade.login", Form::List, "/mapi/login", "Đường dẫn đăng nhập kiểu Cổng DVC quốc gia", "Paths of the portal's session login"),
    key("gateway.facade.data", Form::List, "/mapi/g", "Đường dẫn gửi gói tin kiểu Cổng DVC quốc gia", "Paths of the portal's data calls"),
    key("gateway.facade.packet", Form::List, "", "Tiền tố đường dẫn theo từng gói tin, thêm vào /packets", "Prefixes of the paths a packet, besides /packets"),
    key("gateway.facade.destination", Form::Text, "", "Mã đích (dstcode) khi lượt gọi không mang", "Destination code (dstcode) of calls that bring none"),
    key("gateway.trusted_proxies", Form::List, "", "Mạng của các proxy được tin (CIDR)", "Networks of trusted proxies (CIDR)"),
    key("gateway.in_flight_max", Form::Number, "4096", "Số lượt gọi đồng thời tối đa của nút", "Calls in flight on this node at the most"),
    key("gateway.threads", Form::Number, "0", "Số luồng xử lý; 0: mỗi lõi một luồng", "Threads of the data plane; 0: one a core"),
    key("ops.listen", Form::Text, "127.0.0.1:9090", "Kiểm tra sức khỏe và số đo (IP:cổng hoặc off)", "Health and metrics (IP:port or off)"),
    key("database.url", Form::Text, "sqlite:DATA/lgsp.db", "sqlite:ĐƯỜNG_DẪN hoặc postgres://…", "sqlite:PATH or postgres://…"),
    key("keyring.file", Form::Text, "DATA/keys/keyring.toml", "Tệp bộ khóa của nền tảng", "The platform's keyring file"),
    key("journal.path", Form::Text, "DATA/journal", "Thư mục nhật ký", "Folder of the journal"),
    key("journal.retention_months", Form::Number, "24", "Số tháng giữ nhật ký, ít nhất 24 (Điều 18.5)", "Months the journal is kept, at least 24 (article 18.5)"),
    key("statistics.keep_facts", Form::Flag, "false", "Giữ dữ kiện thống kê từng hồ sơ (không có dữ liệu cá nhân); cần legal_ground", "Keep facts of each dossier for statistics (no personal data); needs legal_ground"),
    key("statistics.legal_ground", Form::Text, "", "Căn cứ pháp lý để giữ dữ kiện, ghi vào nhật ký thay đổi", "The written legal ground for keeping facts; audited"),
    key("statistics.complete_from", Form::Text, "", "Từ ngày nào mọi hồ sơ mới và đang chờ đều có ở đây (YYYY-MM-DD); trống: chưa có số liệu", "First day from which all dossiers, new and pending, are known here (YYYY-MM-DD); empty: no figures"),
    key("statistics.system", Form::Text, "", "Mã hệ thống đứng tên gửi gói thống kê tháng, năm; trống: không gửi", "Code of the system in whose name month and year packets are sent; empty: not sent"),
    key("statistics.unit", Form::Text, "", "Mã đơn vị (Madonvi) trong gói thống kê; cần khi có statistics.system", "Unit code (Madonvi) in these packets; needed with statistics.system"),
    key("statistics.unit_name", Form::Text, "", "Tên đơn vị (TenDonVi) trong gói thống kê; mặc định: platform.name", "Name of the unit in these packets; default: platform.name"),
    key("statistics.packet_day", Form::Number, "2", "Ngày trong tháng gửi gói thống kê tháng, năm", "Day of the month on which month and year packets leave"),
    key("statistics.packet_hour", Form::Number, "6", "Giờ gửi, theo múi giờ của nền tảng", "Hour of it, in the platform's zone"),
    key("log.level", Form::Text, "info", "error, warn, info, debug hoặc trace", "error, warn, info, debug or trace"),
];

/// Every section, `gateway` and `gateway.live` both.
pub(crate) fn sections() -> impl Iterator<Item = &'static str> {
    KEYS.iter().filter_map(|key| key.name.rsplit_once('.')).map(|(section, _)| section)
}
