"""A one-stop system behind a provincial wrapper, as the wild C# ones are, written over in Python.

usage: wrapper.py BASE CONSUMER_KEY SECRET_KEY
Steps come on stdin, one a line; each answers one line: step, outcome, what the clerk sees.

- It cuts the token out of the answer by position: 15 characters after the text access_token.
- Every POST says Expect: 100-continue, as HttpWebRequest does.
- At a status of 400 or more it throws and loses the body, as HttpWebRequest does.
- A path for each packet, the body a bare array; unit and isUpdating stand in the query.
- It gives up when nothing comes for 30 s.
"""
import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request

UNIT = "000.00.00.H99"
DESTINATION = "VN:GOV:000.00.00.G22:vpcpdvcprovider"

base, user, password = sys.argv[1:]
dossier = f"000.00.15.H99-240304-{os.getpid() % 100000:05}"
kept = {"token": None}


def ask(method, url, body, headers):
    if method == "POST":
        headers = headers | {"Expect": "100-continue"}
    request = urllib.request.Request(base + url, body, headers, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.read().decode()


def ask_token(word):
    form = {"client_id": user, "client_secret": word, "grant_type": "client_credentials"}
    body = urllib.parse.urlencode(form).encode()
    text = ask("POST", "/token", body, {"Content-Type": "text/plain"})
    start = text.index("access_token") + 15
    return text[start : text.index('"', start)]


def call(method, packet, body=None, **query):
    if kept["token"] is None:
        kept["token"] = ask_token(password)
    query = {"destination": DESTINATION, "madonvi": UNIT} | query
    headers = {"Authorization": "Bearer " + kept["token"], "Accept": "application/json"}
    if body is not None:
        headers["Content-Type"] = "application/json; charset=utf-8"
        body = json.dumps(body, ensure_ascii=False).encode()
    text = ask(method, f"/packets/{packet}?{urllib.parse.urlencode(query)}", body, headers)
    return json.loads(text)


def told(answer, shown):
    return ("ok", shown) if str(answer["error_code"]) in ("0", "00") else (
        "refused",
        answer["message"],
    )


def sync(is_updating, received="20240304081500"):
    record = {
        "MaHoSo": dossier,
        "MaTTHC": "9.000123.000.00.00.H99",
        "TenTTHC": "Cấp giấy xác nhận thử nghiệm",
        "MaLinhVuc": "G99-TN01",
        "TenLinhVuc": "Lĩnh vực thử nghiệm",
        "ChuHoSo": "Đỗ Văn Thử",
        "LoaiDoiTuong": "1",
        "MaDoiTuong": "",
        "ThongTinKhac": "",
        "Email": "",
        "Fax": "",
        "SoDienThoai": "0900000005",
        "TrichYeuHoSo": "Đề nghị cấp giấy xác nhận thử nghiệm",
        "NgayTiepNhan": received,
        "NgayHenTra": "20240311170000",
        "TrangThaiHoSo": "2",
        "NgayTra": "",
        "ThongTinTra": "",
        "HinhThuc": "0",
        "NgayKetThucXuLy": "",
        "DonViXuLy": "Sở Thử nghiệm",
        "GhiChu": "",
        "TaiLieuNop": [],
        "DanhSachLePhi": [],
        "DanhSachTepDinhKemKhac": [],
        "DanhSachHoSoBoSung": [],
        "DanhSachGiayToKetQua": [],
    }
    return call("POST", "DongBoHoSoMC", [record], isUpdating=is_updating)


def progress(code, rows):
    data = [
        {
            "MaHoSo": code,
            "NguoiXuLy": "Cán bộ một cửa",
            "ChucDanh": "",
            "ThoiDiemXuLy": f"202403051015{at:02}",
            "PhongBanXuLy": "",
            "NoiDungXuLy": f"Bước {at + 1}",
            "TrangThai": "4",
            "NgayBatDau": "",
            "NgayKetThucTheoQuyDinh": "",
        }
        for at in range(rows)
    ]
    return call("POST", "CapNhatTienDoHoSoMC", {"data": data})


def pulled(packet, shown, **query):
    answer = call("GET", packet, **query)
    result = answer.get("result") or []
    return told(answer, result[0].get(shown, "known") if result else "nothing")


def take(step):
    if step == "login":
        kept["token"] = ask_token(password)
        return "ok", ""
    if step == "later":
        kept["token"] = None
        return "ok", ""
    if step == "wrong":
        return "ok", ask_token("wrong-" + password)
    if step == "new":
        return told(sync("False"), dossier)
    if step == "again":
        answer = sync("False")
        if str(answer["error_code"]) not in ("3", "-3"):
            return told(answer, dossier)
        outcome, shown = told(sync("True"), answer["message"])
        return "updated" if outcome == "ok" else outcome, shown
    if step == "bad":
        return told(sync("True", received="20240230081500"), dossier)
    if step == "progress":
        return told(progress(dossier, 12), "12 rows")
    if step == "unknown":
        return told(progress("000.00.15.H99-000000-00000", 1), "")
    if step in ("procedure", "slow"):
        return pulled("LayThuTuc", "TENTTHC", maTTHC="9.000123")
    if step == "lookup":
        return pulled("TraCuuHoSo", "MaHoSo", mahoso=dossier)
    if step == "foreign":
        return pulled("LayDanhMucLinhVuc", "TENLINHVUC")
    return "unreadable", "no such step"


for step in map(str.strip, sys.stdin):
    try:
        outcome, shown = take(step)
    except TimeoutError as error:
        outcome, shown = "timeout", str(error)
    except urllib.error.HTTPError as error:
        outcome, shown = "unreadable", f"The remote server returned an error: ({error.code})"
    except Exception as error:
        outcome, shown = "unreadable", f"{type(error).__name__}: {error}"
    print(step, outcome, str(shown).replace("\n", " "), sep="\t", flush=True)
