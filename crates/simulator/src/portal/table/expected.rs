//! The 15 packets as the portal expects them, and the helper services outside Table 1.
//!
//! Sources and their certainty stand in `docs/manual/simulator.md`; where nobody could read a
//! name, there is none here.

use super::{Dated, Direction, Field, Form, Table};

/// Services beside the 15 packets that real clients call on the same paths.
pub(in crate::portal) const FURTHER: &[&str] = &[
    "TraCuuHoSo",
    "LayDanhSachTTHC",
    "LayDanhMucLinhVuc",
    "LayDanhMucCoQuan",
    "LayNoiDungTraLoiTheoCauHoi",
    "TraCuuTechID",
    "LayDVC",
    "DongBoTrangThaiHoSo",
    "LayDanhMucTinhThanh",
    "LayDanhMucQuanHuyen",
    "LayDanhMucPhuongXa",
    "LayDanhMucQuocGia",
    "LayDanhMucDanToc",
    "LayDanhMucTonGiao",
    "LayDanhMucGioiTinh",
    "LayDanhMucTinhTrangHonNhan",
    "LayDanhMucDoiTuong",
    "LayDanhMucCapThucHien",
    "LayDanhMucCanCuPhapLy",
    "LayDanhMucLePhi",
    "LayDanhMucNhomThuTuc",
    "LayDanhMucLoaiThuTuc",
    "LayDanhMucThuTucThuocLoai",
    "LayDanhSachTTHCDonVi",
];

fn text(name: &str) -> Field {
    Field::of(name, Form::Text)
}

fn time(name: &str) -> Field {
    Field::of(name, Form::Datetime(&[]))
}

fn number(name: &str) -> Field {
    Field::of(name, Form::Number)
}

fn percent(name: &str) -> Field {
    Field::of(name, Form::Percent)
}

fn code(name: &str, codes: &[&str]) -> Field {
    Field::of(name, Form::Code(codes.iter().map(|code| (*code).to_owned()).collect()))
}

fn file(name: &str) -> Field {
    Field::of(name, Form::File)
}

fn list(name: &str, children: Vec<Field>) -> Field {
    Field::of(name, Form::List).with(children)
}

fn texts(names: &[&str]) -> Vec<Field> {
    names.iter().map(|name| text(name)).collect()
}

/// Positions without a name.
fn unknown(count: usize) -> impl Iterator<Item = Field> {
    (0..count).map(|_| Field { name: None, ..text("") })
}

/// `TrangThaiHoSo`: 1 newly registered … 10 result returned.
const STATES: &[&str] = &["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"];
const ZERO_ONE: &[&str] = &["0", "1"];
const TRUE_FALSE: &[&str] = &["True", "False"];

fn push(packet: &str, table: u16, count: u16, sent: Vec<Field>) -> Table {
    let direction = Direction::Push;
    let (packet, file) = (packet.to_owned(), String::new());
    let (later, answered) = (Vec::new(), Vec::new());
    Table { packet, table, direction, count, file, sent, later, answered }
}

fn pull(packet: &str, table: u16, count: u16, sent: Vec<Field>, answered: Vec<Field>) -> Table {
    Table { direction: Direction::Pull, answered, ..push(packet, table, count, sent) }
}

/// All 15.
pub(in crate::portal) fn expected() -> Vec<Table> {
    vec![
        Table { later: dossier_later(), ..push("DongBoHoSoMC", 2, 27, dossier()) },
        push("CapNhatTienDoHoSoMC", 3, 9, progress()),
        Table { later: rating_flat(), ..push("DongBoDanhGia", 4, 8, rating()) },
        Table { later: texts(&["GhiChu"]), ..push("DongBoThongKeHoSo", 5, 18, statistics()) },
        pull("LayThuTuc", 6, 25, vec![text("maTTHC").must()], procedure()),
        pull("LayQDCB", 7, 5, vec![text("idQDCB").must()], decision()),
        push("DongBoPAKNDiaPhuong", 8, 23, unknown(23).collect()),
        pull("DanhSachPAKNChoXuLy", 9, 24, Vec::new(), unknown(24).collect()),
        push("DongBoKetQuaXuLyPAKN", 10, 7, unknown(7).collect()),
        pull("LayTaiLieuPAKN", 11, 3, vec![text("TepTinPhanAnh").must()], unknown(3).collect()),
        pull("DanhSachPAKNCongKhai", 13, 26, paging(), public_petition()),
        push("DongBoHoiDap", 14, 11, question_sent()),
        pull("LayDanhSachHoiDapGuiTuDVCQG", 15, 12, Vec::new(), question_waiting()),
        push("DongBoKetQuaHoiDapGuiTuDVCQG", 16, 6, question_answer()),
        pull("LayDanhSachHoiDapBoCoQuan", 17, 11, Vec::new(), question_set()),
    ]
}

fn dossier() -> Vec<Field> {
    let paper = vec![
        text("TepDinhKemId"),
        text("TenTepDinhKem").must().up_to(4000),
        code("IsDeleted", TRUE_FALSE),
        text("MaThanhPhanHoSo"),
        file("DuongDanTaiTepTin").must(),
    ];
    let fee = vec![
        text("TenPhiLePhi"),
        text("MaPhiLePhi"),
        text("HinhThucThu"),
        number("Gia"),
        text("LoaiPhiLePhi"),
    ];
    let other = vec![text("TenGiayTo"), number("SoLuong"), text("LoaiGiayTo")];
    let result = vec![
        text("TenGiayTo").up_to(2000),
        text("MaThanhPhanHoSo"),
        text("GiayToId"),
        file("DuongDanTepTinKetQua"),
    ];
    vec![
        text("MaHoSo").must(),
        text("MaTTHC").must(),
        text("TenTTHC").must(),
        text("MaLinhVuc").must(),
        text("TenLinhVuc").must(),
        text("ChuHoSo"),
        code("LoaiDoiTuong", &["1", "2", "3", "4"]).must(),
        text("MaDoiTuong"),
        text("ThongTinKhac"),
        text("Email").present(),
        text("Fax"),
        text("SoDienThoai").present(),
        text("TrichYeuHoSo").must().up_to(1000),
        time("NgayTiepNhan").must(),
        time("NgayHenTra").present(),
        code("TrangThaiHoSo", STATES).must(),
        time("NgayTra"),
        text("ThongTinTra"),
        code("HinhThuc", ZERO_ONE).must(),
        time("NgayKetThucXuLy"),
        text("DonViXuLy").must(),
        text("GhiChu"),
        list("TaiLieuNop", paper),
        list("DanhSachLePhi", fee),
        list("DanhSachTepDinhKemKhac", other),
        list("DanhSachHoSoBoSung", supplement()),
        list("DanhSachGiayToKetQua", result),
    ]
}

fn supplement() -> Vec<Field> {
    vec![
        text("HoSoBoSungId"),
        text("NguoiYeuCauBoSung"),
        text("NoiDungBoSung"),
        time("NgayBoSung"),
        text("NguoiTiepNhanBoSung"),
        text("ThongTinTiepNhan"),
        time("NgayTiepNhanBoSung"),
        Field::of("TrangThaiBoSung", Form::Flag),
        list("DanhSachGiayToBoSung", Vec::new()),
        list("DanhSachLePhiBoSung", Vec::new()),
        time("NgayHenTraTruoc"),
        time("NgayHenTraMoi"),
    ]
}

/// Sent by one public client of 2025; not in the standard.
fn dossier_later() -> Vec<Field> {
    vec![
        text("SoBienNhan"),
        code("KenhThucHien", &["1", "2", "3"]),
        text("SoGiayToChuHoSo"),
        text("NoiNopHoSo"),
        code("HoSoCoThanhPhanSoHoa", ZERO_ONE),
        code("TaiKhoanDuocXacThucVoiVNeID", ZERO_ONE),
        text("DuocThanhToanTrucTuyen"),
        time("NgayTuChoi"),
        time("NgayNopHoSo"),
        time("NgayYeuCauBoSung"),
        list("DinhDanhCHS", vec![code("LoaiDinhDanh", &["1", "2"]), text("SoDinhDanh")]),
        list("DSKetNoiCSDL", texts(&["MaCSDL"])),
        list(
            "TaiLieuNop",
            texts(&["DuocSoHoa", "DuocTaiSuDung", "DuocLayTuKhoDMQG", "MaKetQuaThayThe"]),
        ),
        list("DanhSachGiayToKetQua", texts(&["MaGiayToKetQua"])),
    ]
}

fn progress() -> Vec<Field> {
    vec![
        text("MaHoSo").must(),
        text("NguoiXuLy").must().up_to(50),
        text("ChucDanh"),
        time("ThoiDiemXuLy").must(),
        text("PhongBanXuLy"),
        text("NoiDungXuLy").present(),
        code("TrangThai", STATES).must(),
        time("NgayBatDau"),
        time("NgayKetThucTheoQuyDinh"),
    ]
}

fn rating() -> Vec<Field> {
    vec![
        text("Madonvi"),
        text("TenDonVi"),
        Field::of("NgayTongHop", Form::Datetime(&[Dated::Month])),
        number("TongSoNguoiDanhGia"),
        percent("PhanTramDanhGiaRatHaiLong"),
        percent("PhanTramDanhGiaHaiLong"),
        percent("PhanTramDanhGiaChuaHaiLong"),
        list("DanhSachNoiDungYKien", rating_flat()),
    ]
}

/// One public client sends these beside an empty list.
fn rating_flat() -> Vec<Field> {
    vec![
        text("MaThuTuc"),
        text("NoiDung"),
        percent("PhanTramDanhGiaDichVuRatHaiLong"),
        percent("PhanTramDanhGiaDichVuHaiLong"),
        percent("PhanTramDanhGiaDichVuChuaHaiLong"),
    ]
}

fn statistics() -> Vec<Field> {
    let mut fields = vec![
        text("Madonvi"),
        text("TenDonVi"),
        number("Thang"),
        number("Nam"),
        code("LoaiThongKe", &["1", "2"]),
    ];
    fields.extend(crate::portal::figure::NAMES.iter().map(|name| number(name)));
    fields
}

fn procedure() -> Vec<Field> {
    let lists = [
        "TRINHTUTHUCHIEN",
        "CAPTHUCHIEN",
        "LINHVUCTHUCHIEN",
        "CACHTHUCTHUCHIEN",
        "DOITUONGTHUCHIEN",
        "THANHPHANHOSO",
        "KETQUATHUCHIEN",
        "CANCUPHAPLY",
        "TTHCLIENQUAN",
        "TTHCLIENTHONG",
        "COQUANTHUCHIEN",
        "COQUANCOTHAMQUYEN",
        "COQUANDUOCUYQUYEN",
        "COQUANPHOIHOP",
    ];
    let mut fields = texts(&[
        "ID",
        "MATTHC",
        "TENTTHC",
        "MACOQUANCONGBO",
        "LOAITTHC",
        "MOTADOITUONGTHUCHIEN",
        "DIACHITIEPNHAN",
        "YEUCAU",
        "TUKHOA",
        "IDQUYETDINHCONGBO",
        "TRANGTHAI",
        "MOTACOQUANTHUCHIEN",
        "MOTACOQUANTHAMQUYEN",
        "MOTA",
    ]);
    fields.extend(lists.map(|name| list(name, Vec::new())));
    fields
}

fn decision() -> Vec<Field> {
    let mut fields = texts(&["SOQUYETDINH", "NGAYQUYETDINH", "TRICHYEU"]);
    fields.extend(unknown(2));
    fields
}

fn paging() -> Vec<Field> {
    vec![number("trangHienTai"), number("soBanGhiMoiTrang"), text("keyword")]
}

fn public_petition() -> Vec<Field> {
    let mut fields = texts(&["Id", "Ten", "TieuDe", "NoiDungPAKN"]);
    fields.push(time("NgayGuiPAKN"));
    fields.extend(texts(&["NoiDungTraLoi", "TrangThai", "TongSo"]));
    fields.extend(unknown(18));
    fields
}

fn question_sent() -> Vec<Field> {
    let mut fields = texts(&[
        "HOIDAPID",
        "MALINHVUC",
        "NOIDUNG",
        "MADONVI",
        "TENDONVI",
        "TRALOIID",
        "NOIDUNGTRALOI",
    ]);
    fields.extend(unknown(4));
    fields
}

fn question_waiting() -> Vec<Field> {
    let mut fields = texts(&[
        "HOIDAPID",
        "MALINHVUC",
        "TENDONVI",
        "NOIDUNG",
        "MADONVI",
        "HOVATEN",
        "DIACHI",
        "THUDIENTU",
        "SODIENTHOAI",
        "MATTHCDP",
        "TRANGTHAI",
    ]);
    fields.extend(unknown(1));
    fields
}

fn question_answer() -> Vec<Field> {
    let mut fields = texts(&["HOIDAPID", "MADONVI", "NGUOITRALOI", "CHUCVUNGUOITRALOI"]);
    fields.push(Field::of("NGAYTRALOI", Form::Datetime(&[Dated::Slashes])));
    fields.push(text("NOIDUNGTRALOI"));
    fields
}

fn question_set() -> Vec<Field> {
    let mut fields = texts(&[
        "HOIDAPID",
        "MALINHVUC",
        "TENDONVI",
        "NOIDUNG",
        "MADONVI",
        "NOIDUNGTRALOI",
        "TRALOIID",
    ]);
    fields.extend(unknown(4));
    fields
}
