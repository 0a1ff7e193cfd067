"""A one-stop system as the wild Python ones are: requests, a session kept ten minutes, 30 s.

usage: one_stop.py BASE USER PASSWORD
Steps come on stdin, one a line; each answers one line: step, outcome, what the clerk sees.

- dstcode stands in a header; error_code is compared as text, "0" or "00".
- A call whose session is refused is not tried again: only after ten minutes is there a new login.
- All rows of a dossier's progress go in one call, however many they are.
- It gives up when nothing comes for 30 s.
"""
import os
import sys
import time

import requests

UNIT = "000.00.00.H99"
HEADERS = {"dstcode": "VN:GOV:000.00.00.G22:vpcpdvcprovider", "Charset": "utf-8"}
SESSION_SECONDS = 10 * 60
EMPTY = ["MaDoiTuong", "ThongTinKhac", "Email", "Fax", "NgayTra", "ThongTinTra", "GhiChu"]
LISTS = [
    "TaiLieuNop",
    "DanhSachLePhi",
    "DanhSachTepDinhKemKhac",
    "DanhSachHoSoBoSung",
    "DanhSachGiayToKetQua",
]

base, user, password = sys.argv[1:]
dossier = f"000.00.14.H99-240304-{os.getpid() % 100000:05}"
http = requests.Session()
kept = {"session": None, "ends": 0.0, "ahead": 0.0}


def post(path, body):
    answer = http.post(base + path, json=body, headers=HEADERS, timeout=30)
    return answer.json()


def login(word):
    return post("/mapi/login", {"username": user, "password": word})


def call(service, **fields):
    now = time.time() + kept["ahead"]
    if kept["session"] is None or now >= kept["ends"]:
        answer = login(password)
        if not good(answer):
            return answer
        kept.update(session=answer["session"], ends=now + SESSION_SECONDS)
    head = {"session": kept["session"], "madonvi": UNIT, "service": service}
    return post("/mapi/g", head | fields)


def good(answer):
    return str(answer["error_code"]) in ("0", "00")


def told(answer, shown):
    return ("ok", shown) if good(answer) else ("refused", answer["message"])


def sync(is_updating, received="20240304081500"):
    record = {
        "MaHoSo": dossier,
        "MaTTHC": "9.000123.000.00.00.H99",
        "TenTTHC": "Cấp giấy xác nhận thử nghiệm",
        "MaLinhVuc": "G99-TN01",
        "TenLinhVuc": "Lĩnh vực thử nghiệm",
        "ChuHoSo": "Trần Thị Thử",
        "LoaiDoiTuong": "1",
        "SoDienThoai": "0900000004",
        "TrichYeuHoSo": "Đề nghị cấp giấy xác nhận thử nghiệm",
        "NgayTiepNhan": received,
        "NgayHenTra": "20240311170000",
        "TrangThaiHoSo": "2",
        "HinhThuc": "0",
        "NgayKetThucXuLy": "",
        "DonViXuLy": "Sở Thử nghiệm",
    }
    record |= dict.fromkeys(EMPTY, "") | {name: [] for name in LISTS}
    return call("DongBoHoSoMC", isUpdating=is_updating, data=[record])


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
    return call("CapNhatTienDoHoSoMC", data=data)


def pulled(service, shown, **fields):
    answer = call(service, **fields)
    result = answer.get("result") or []
    return told(answer, result[0].get(shown, "known") if result else "nothing")


def take(step):
    if step == "login":
        return told(call("TraCuuHoSo", mahoso=dossier), "")
    if step == "later":
        kept["ahead"] += SESSION_SECONDS + 60
        return "ok", ""
    if step == "wrong":
        return told(login("wrong-" + password), "")
    if step == "new":
        return told(sync("False"), dossier)
    if step == "again":
        answer = sync("False")
        if "đã tồn tại" not in answer["message"]:
            return told(answer, dossier)
        outcome, shown = told(sync("True"), answer["message"])
        return "updated" if outcome == "ok" else outcome, shown
    if step == "bad":
        return told(sync("True", received="20240230081500"), dossier)
    if step == "progress":
        return told(progress(dossier, 12), "12 rows")
    if step == "unknown":
        return told(progress("000.00.14.H99-000000-00000", 1), "")
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
    except requests.exceptions.Timeout as error:
        outcome, shown = "timeout", str(error)
    except Exception as error:
        outcome, shown = "unreadable", f"{type(error).__name__}: {error}"
    print(step, outcome, str(shown).replace("\n", " "), sep="\t", flush=True)
