<?php
// A one-stop system as the wild PHP ones are: curl, one login a page, loose comparison, XML by text.
//
// usage: php one_stop.php BASE USER PASSWORD
// Steps come on stdin, one a line; each answers one line: step, outcome, what the clerk sees.
//
// - dstcode and providerurl stand in the query, percent-encoded.
// - Nothing is kept between pages: each step logs in anew, while earlier sessions go on elsewhere.
// - error_code is compared with ==, so that 0, "0" and "00" are one.
// - XML is read after the texts "ns1:" and "soapenv:" and one exact declaration are deleted.
// - A token is asked for by Basic, with a form body that claims to be JSON.
// - It gives up after 20 s.

const UNIT = '000.00.00.H99';
const DESTINATION = 'VN:GOV:000.00.00.G22:vpcpdvcprovider';
const PROVIDER = ''; // the provider's own address: known to the other side, empty here

[, $base, $user, $password] = $argv;
$dossier = sprintf('000.00.12.H99-240304-%05d', getmypid() % 100000);

class TimedOut extends Exception {}

function curl_post($url, $body, $headers, $method = 'POST')
{
    $ch = curl_init($url);
    curl_setopt($ch, CURLOPT_CUSTOMREQUEST, $method);
    curl_setopt($ch, CURLOPT_POSTFIELDS, $body);
    curl_setopt($ch, CURLOPT_HTTPHEADER, $headers);
    curl_setopt($ch, CURLOPT_RETURNTRANSFER, true);
    curl_setopt($ch, CURLOPT_FOLLOWLOCATION, true);
    curl_setopt($ch, CURLOPT_SSL_VERIFYPEER, false);
    curl_setopt($ch, CURLOPT_TIMEOUT, 20);
    $answer = curl_exec($ch);
    $error = curl_errno($ch);
    $words = curl_error($ch);
    curl_close($ch);
    if ($error === CURLE_OPERATION_TIMEDOUT) {
        throw new TimedOut($words);
    }
    if ($answer === false) {
        throw new Exception($words);
    }
    return $answer;
}

function post($path, $body)
{
    global $base;
    $url = $base . $path . '?dstcode=' . urlencode(DESTINATION);
    if (PROVIDER !== '') {
        $url .= '&providerurl=' . urlencode(PROVIDER);
    }
    $headers = ['Accept: application/json', 'Content-Type: application/json; charset=utf-8'];
    $text = curl_post($url, json_encode($body, JSON_UNESCAPED_UNICODE), $headers);
    $answer = json_decode($text, true);
    if (!is_array($answer) || !isset($answer['error_code'])) {
        throw new Exception('không đọc được: ' . substr($text, 0, 200));
    }
    return $answer;
}

function login($user, $password)
{
    return post('/mapi/login', ['username' => $user, 'password' => $password]);
}

function call($body)
{
    global $user, $password;
    $login = login($user, $password);
    if ($login['error_code'] != 0 || empty($login['session'])) {
        return $login;
    }
    return post('/mapi/g', ['session' => $login['session'], 'madonvi' => UNIT] + $body);
}

function record($dossier)
{
    $record = json_decode('{
        "MaTTHC": "9.000123.000.00.00.H99", "TenTTHC": "Cấp giấy xác nhận thử nghiệm",
        "MaLinhVuc": "G99-TN01", "TenLinhVuc": "Lĩnh vực thử nghiệm",
        "ChuHoSo": "Lê Văn Thử", "LoaiDoiTuong": "1", "MaDoiTuong": "", "ThongTinKhac": "",
        "Email": "", "Fax": "", "SoDienThoai": "0900000002", "TrichYeuHoSo": "Đề nghị cấp giấy",
        "NgayTiepNhan": "20240304081500", "NgayHenTra": "20240311170000", "TrangThaiHoSo": "2",
        "NgayTra": "", "ThongTinTra": "", "HinhThuc": "0", "NgayKetThucXuLy": "",
        "DonViXuLy": "Sở Thử nghiệm", "GhiChu": "", "TaiLieuNop": [], "DanhSachLePhi": [],
        "DanhSachTepDinhKemKhac": [], "DanhSachHoSoBoSung": [], "DanhSachGiayToKetQua": []
    }', true);
    return ['MaHoSo' => $dossier] + $record;
}

function sync($dossier, $is_updating, $changed = [])
{
    $body = ['service' => 'DongBoHoSoMC', 'isUpdating' => $is_updating];
    return call($body + ['data' => [$changed + record($dossier)]]);
}

function progress($dossier, $rows)
{
    $data = [];
    for ($at = 0; $at < $rows; $at++) {
        $data[] = [
            'MaHoSo' => $dossier, 'NguoiXuLy' => 'Cán bộ một cửa', 'ChucDanh' => '',
            'ThoiDiemXuLy' => sprintf('202403051015%02d', $at), 'PhongBanXuLy' => '',
            'NoiDungXuLy' => 'Bước ' . ($at + 1), 'TrangThai' => '4', 'NgayBatDau' => '',
            'NgayKetThucTheoQuyDinh' => '',
        ];
    }
    return call(['service' => 'CapNhatTienDoHoSoMC', 'data' => $data]);
}

function told($answer, $shown)
{
    return $answer['error_code'] == 0 ? ['ok', $shown] : ['refused', $answer['message']];
}

function pulled($body, $shown)
{
    $answer = call($body);
    $first = $answer['result'][0] ?? null;
    return told($answer, $first === null ? 'nothing' : ($first[$shown] ?? 'known'));
}

// Which of the data sets of a population look-up came back: the name of the person.
function population()
{
    global $base, $user, $password;
    $host = preg_replace('~^(https?://[^/]+).*$~', '$1', $base);
    $token = json_decode(curl_post($host . '/token', 'grant_type=client_credentials', [
        'Authorization: Basic ' . base64_encode("$user:$password"),
        'Content-Type: application/json',
    ]));
    $xml = curl_post($host . '/dancu/1.0/TraCuuThongTinCongDan', '<soapenv:Envelope '
        . 'xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
        . 'xmlns:dan="http://dancuquocgia.bca"><soapenv:Header/><soapenv:Body>'
        . '<dan:TraCuuThongTinCongDan><dan:SoDinhDanh>001000000000</dan:SoDinhDanh>'
        . '</dan:TraCuuThongTinCongDan></soapenv:Body></soapenv:Envelope>', [
        'Authorization: Bearer ' . $token->access_token,
        'Content-Type: application/xml; charset=utf-8',
        'SOAPAction: ""',
    ]);
    $xml = str_replace('ns1:', '', $xml);
    $xml = str_replace('soapenv:', '', $xml);
    $xml = str_replace('<?xml version="1.0" encoding="UTF-8" standalone="yes"?>', '', $xml);
    $read = @simplexml_load_string('<?xml version="1.0" encoding="UTF-8"?>' . $xml);
    $person = $read === false ? null : $read->Body->CongdanCollection->CongDan;
    return $person && $person->count() ? ['ok', (string) $person->HoVaTen] : ['unreadable', $xml];
}

function take($step)
{
    global $user, $password, $dossier;
    switch ($step) {
        case 'login':
            return told(login($user, $password), '');
        case 'later':
            return ['ok', ''];
        case 'wrong':
            return told(login($user, 'wrong-' . $password), '');
        case 'new':
            return told(sync($dossier, 'False'), $dossier);
        case 'again':
            $answer = sync($dossier, 'False');
            if ($answer['error_code'] == 3 || $answer['error_code'] == -3) {
                [$outcome, $shown] = told(sync($dossier, 'True'), $answer['message']);
                return [$outcome === 'ok' ? 'updated' : $outcome, $shown];
            }
            return told($answer, $dossier);
        case 'bad':
            return told(sync($dossier, 'True', ['NgayTiepNhan' => '20240230081500']), $dossier);
        case 'progress':
            return told(progress($dossier, 12), '12 rows');
        case 'unknown':
            return told(progress('000.00.12.H99-000000-00000', 1), '');
        case 'procedure':
        case 'slow':
            return pulled(['service' => 'LayThuTuc', 'maTTHC' => '9.000123'], 'TENTTHC');
        case 'lookup':
            return pulled(['service' => 'TraCuuHoSo', 'mahoso' => $dossier], 'MaHoSo');
        case 'foreign':
            return pulled(['service' => 'LayDanhMucLinhVuc'], 'TENLINHVUC');
        case 'xml':
            return population();
    }
    return ['unreadable', 'no such step'];
}

while (($line = fgets(STDIN)) !== false) {
    $step = trim($line);
    try {
        [$outcome, $shown] = take($step);
    } catch (TimedOut $e) {
        [$outcome, $shown] = ['timeout', $e->getMessage()];
    } catch (Throwable $e) {
        [$outcome, $shown] = ['unreadable', $e->getMessage()];
    }
    echo $step, "\t", $outcome, "\t", str_replace("\n", ' ', $shown), "\n";
}
