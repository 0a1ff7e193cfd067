// A one-stop system as the wild JavaScript ones are: plain http, short patience, sloppy URLs.
//
// usage: node one_stop.mjs BASE USER PASSWORD
// Steps come on stdin, one a line; each answers one line: step, outcome, what the clerk sees.
//
// - It joins base and path with a slash of its own: a base that ends in "/" gives two or three.
// - dstcode stands in the query, its colons percent-encoded.
// - One session for as long as the page is open; connections are kept alive and used again.
// - It sends madonvi and service after the data, and numbers where others send texts.
// - It gives up after 3 s.

import http from "node:http";
import readline from "node:readline";

const [base, user, password] = process.argv.slice(2);
const UNIT = "000.00.00.H99";
const DESTINATION = "VN:GOV:000.00.00.G22:vpcpdvcprovider";
const PATIENCE_MS = 3000;

const number = String(process.pid % 100000).padStart(5, "0");
const dossier = `000.00.13.H99-240304-${number}`;
const agent = new http.Agent({ keepAlive: true });
let session;

function post(path, body) {
  const url = new URL(`${base}/${path}?dstcode=${encodeURIComponent(DESTINATION)}`);
  const headers = { Accept: "*/*", "Content-Type": "application/json" };
  return new Promise((resolve, reject) => {
    const request = http.request(url, { method: "POST", agent, headers }, (response) => {
      response.setEncoding("utf8");
      let text = "";
      response.on("data", (part) => (text += part));
      response.on("end", () => {
        try {
          resolve(JSON.parse(text));
        } catch {
          reject(new Error(`${response.statusCode} ${text.slice(0, 200)}`));
        }
      });
    });
    request.setTimeout(PATIENCE_MS, () => {
      const late = new Error(`no answer in ${PATIENCE_MS} ms`);
      late.timeout = true;
      request.destroy(late);
    });
    request.on("error", reject);
    request.end(JSON.stringify(body));
  });
}

async function login(word) {
  return post("mapi/login", { username: user, password: word });
}

async function call(body) {
  if (session === undefined) {
    const answer = await login(password);
    if (answer.error_code != 0) return answer;
    session = answer.session;
  }
  return post("mapi/g", { ...body, session, madonvi: UNIT });
}

const told = (answer, shown) =>
  answer.error_code == 0 ? ["ok", shown] : ["refused", answer.message];

function sync(isUpdating, received = "20240304081500") {
  const empty = {};
  for (const name of ["MaDoiTuong", "ThongTinKhac", "Email", "Fax", "NgayTra", "ThongTinTra"])
    empty[name] = "";
  const record = {
    MaHoSo: dossier,
    MaTTHC: "9.000123.000.00.00.H99",
    TenTTHC: "Cấp giấy xác nhận thử nghiệm",
    MaLinhVuc: "G99-TN01",
    TenLinhVuc: "Lĩnh vực thử nghiệm",
    ChuHoSo: "Phạm Thử Nghiệm",
    LoaiDoiTuong: "1",
    ...empty,
    SoDienThoai: "0900000003",
    TrichYeuHoSo: 'Đề nghị "cấp" giấy\nxác nhận',
    NgayTiepNhan: received,
    NgayHenTra: "20240311170000",
    TrangThaiHoSo: "2",
    HinhThuc: "0",
    NgayKetThucXuLy: "",
    DonViXuLy: "Sở Thử nghiệm",
    GhiChu: "",
    TaiLieuNop: [],
    DanhSachLePhi: [],
    DanhSachTepDinhKemKhac: [],
    DanhSachHoSoBoSung: [],
    DanhSachGiayToKetQua: [],
  };
  return call({ data: [record], isUpdating, service: "DongBoHoSoMC" });
}

function progress(code, rows) {
  const data = Array.from({ length: rows }, (_, at) => ({
    MaHoSo: code,
    NguoiXuLy: "Cán bộ một cửa",
    ChucDanh: "",
    ThoiDiemXuLy: `202403051015${String(at).padStart(2, "0")}`,
    PhongBanXuLy: "",
    NoiDungXuLy: `Bước ${at + 1}`,
    TrangThai: "4",
    NgayBatDau: "",
    NgayKetThucTheoQuyDinh: "",
  }));
  return call({ data, service: "CapNhatTienDoHoSoMC" });
}

async function pulled(body, shown) {
  const answer = await call(body);
  const first = (answer.result ?? [])[0];
  return told(answer, first === undefined ? "nothing" : (first[shown] ?? "known"));
}

async function take(step) {
  switch (step) {
    case "login":
      return told(await call({ service: "TraCuuHoSo", mahoso: dossier }), "");
    case "later":
      return ["ok", ""];
    case "wrong":
      return told(await login(`wrong-${password}`), "");
    case "new":
      return told(await sync("False"), dossier);
    case "again": {
      const answer = await sync("False");
      if (!["3", "-3"].includes(String(answer.error_code))) return told(answer, dossier);
      const [outcome, shown] = told(await sync("True"), answer.message);
      return [outcome === "ok" ? "updated" : outcome, shown];
    }
    case "bad":
      return told(await sync("True", "20240230081500"), dossier);
    case "progress":
      return told(await progress(dossier, 12), "12 rows");
    case "unknown":
      return told(await progress("000.00.13.H99-000000-00000", 1), "");
    case "procedure":
    case "slow":
      return pulled({ maTTHC: "9.000123", service: "LayThuTuc" }, "TENTTHC");
    case "lookup":
      return pulled({ mahoso: dossier, service: "TraCuuHoSo" }, "MaHoSo");
    case "foreign":
      return pulled({ service: "LayDanhMucLinhVuc" }, "TENLINHVUC");
    default:
      return ["unreadable", "no such step"];
  }
}

for await (const step of readline.createInterface({ input: process.stdin })) {
  let line;
  try {
    line = await take(step);
  } catch (error) {
    line = [error.timeout ? "timeout" : "unreadable", error.message];
  }
  console.log([step, line[0], String(line[1]).replaceAll("\n", " ")].join("\t"));
}
process.exit(0);
