// A one-stop system as the wild Java ones are: HttpURLConnection, default key order, word tests.
//
// usage: java -Dfile.encoding=UTF-8 OneStop.java BASE USER PASSWORD
// Steps come on stdin, one a line; each answers one line: step, outcome, what the clerk sees.
//
// - It reads getInputStream() only: at a status of 400 or more it never sees the body.
// - A base URL that ends in "/" loses its last two characters.
// - A session is used for ten minutes by its own clock, and only then is there a new login.
// - Success needs error_code 0, as number or text, and for a sending the words of success too.
// - A duplicate is known by 3 or -3 or by its words, and sent again as an update.
// - It waits 60 s for an answer.

import java.io.BufferedReader;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.HttpURLConnection;
import java.net.SocketTimeoutException;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

public class OneStop {
    private static final String AUTH_ENDPOINT = "/mapi/login";
    private static final String INTEGRATION_ENDPOINT = "/mapi/g";
    private static final String SHARE_ENDPOINT = "/mapi/g";
    private static final String UNIT = "000.00.00.H99";
    private static final String DESTINATION = "VN:GOV:000.00.00.G22:vpcpdvcprovider";
    private static final long SESSION_MILLIS = 10 * 60 * 1000;
    private static final int PROGRESS_CHUNK = 10;

    private final String base;
    private final String user;
    private final String password;
    private final String dossier;
    private String session;
    private long sessionEnds;
    private long clockAhead;

    OneStop(String base, String user, String password) {
        if (base.charAt(base.length() - 1) == '/' && base.length() >= 2) {
            this.base = base.substring(0, base.length() - 2);
        } else {
            this.base = base;
        }
        this.user = user;
        this.password = password;
        this.dossier = String.format(
            "000.00.11.H99-240304-%05d", ProcessHandle.current().pid() % 100000);
    }

    public static void main(String[] arguments) throws IOException {
        PrintStream out = new PrintStream(System.out, true, "UTF-8");
        OneStop client = new OneStop(arguments[0], arguments[1], arguments[2]);
        BufferedReader steps = new BufferedReader(new InputStreamReader(System.in));
        String step;
        while ((step = steps.readLine()) != null) {
            String told;
            try {
                told = client.take(step);
            } catch (SocketTimeoutException e) {
                told = "timeout\t" + e.getMessage();
            } catch (Exception e) {
                told = "unreadable\t" + e;
            }
            out.println(step + "\t" + told.replace('\n', ' '));
        }
    }

    private String take(String step) throws IOException {
        switch (step) {
            case "login":
                return session() != null ? "ok\t" : "refused\tno session";
            case "later":
                clockAhead += SESSION_MILLIS + 60 * 1000;
                return "ok\t";
            case "wrong": {
                Map<String, Object> answer = login(user, "wrong-" + password);
                return "refused\t" + answer.get("message");
            }
            case "new":
                return sent(sync("False"), dossier);
            case "again": {
                Map<String, Object> answer = sync("False");
                if (!exists(answer)) {
                    return sent(answer, dossier);
                }
                String told = sent(sync("True"), dossier);
                return told.startsWith("ok") ? "updated\t" + answer.get("message") : told;
            }
            case "bad":
                return sent(sync("True", "20240230081500"), dossier);
            case "progress":
                return progress(dossier, 12);
            case "unknown":
                return progress("000.00.11.H99-000000-00000", 1);
            case "procedure":
            case "slow":
                return pulled("LayThuTuc", "maTTHC", "9.000123", "TENTTHC");
            case "lookup":
                return pulled("TraCuuHoSo", "mahoso", dossier, null);
            case "foreign":
                return pulled("LayDanhMucLinhVuc", "trang", "1", "TENLINHVUC");
            default:
                return "unreadable\tno such step";
        }
    }

    private String session() throws IOException {
        long now = System.currentTimeMillis() + clockAhead;
        if (session != null && now < sessionEnds) {
            return session;
        }
        Map<String, Object> answer = login(user, password);
        if (answer.containsKey("session") && answer.containsKey("error_code")
                && number(answer.get("error_code")) == 0) {
            session = (String) answer.get("session");
            sessionEnds = now + SESSION_MILLIS;
            return session;
        }
        throw new IOException("login: " + answer);
    }

    private Map<String, Object> login(String user, String password) throws IOException {
        Map<String, Object> body = new HashMap<>();
        body.put("username", user);
        body.put("password", password);
        return post(AUTH_ENDPOINT, body);
    }

    private Map<String, Object> sync(String isUpdating) throws IOException {
        return sync(isUpdating, "20240304081500");
    }

    private Map<String, Object> sync(String isUpdating, String received) throws IOException {
        Map<String, Object> body = new HashMap<>();
        body.put("service", "DongBoHoSoMC");
        body.put("isUpdating", isUpdating);
        List<Object> data = new ArrayList<>();
        data.add(record(received));
        body.put("data", data);
        return call(INTEGRATION_ENDPOINT, body);
    }

    private Map<String, Object> record(String received) {
        Map<String, Object> record = new HashMap<>();
        String[] empty = {
            "MaDoiTuong", "ThongTinKhac", "Fax", "NgayTra", "ThongTinTra", "NgayKetThucXuLy", "GhiChu"
        };
        for (String name : empty) {
            record.put(name, "");
        }
        record.put("MaHoSo", dossier);
        record.put("MaTTHC", "9.000123.000.00.00.H99");
        record.put("TenTTHC", "Cấp giấy xác nhận thử nghiệm");
        record.put("MaLinhVuc", "G99-TN01");
        record.put("TenLinhVuc", "Lĩnh vực thử nghiệm");
        record.put("ChuHoSo", "Nguyễn Thị Thử");
        record.put("LoaiDoiTuong", "1");
        record.put("Email", "nguyen.thi.thu@example.vn");
        record.put("SoDienThoai", "0900000001");
        record.put("TrichYeuHoSo", "Đề nghị cấp giấy xác nhận thử nghiệm");
        record.put("NgayTiepNhan", received);
        record.put("NgayHenTra", "20240311170000");
        record.put("TrangThaiHoSo", "2");
        record.put("HinhThuc", "0");
        record.put("DonViXuLy", "Sở Thử nghiệm");
        for (String name : new String[] {"TaiLieuNop", "DanhSachLePhi", "DanhSachTepDinhKemKhac",
                "DanhSachHoSoBoSung", "DanhSachGiayToKetQua"}) {
            record.put(name, new ArrayList<>());
        }
        return record;
    }

    // Sent in chunks of ten, as the portal's guide asks; the first refusal ends it.
    private String progress(String dossier, int rows) throws IOException {
        String told = "ok\t";
        for (int from = 0; from < rows && told.startsWith("ok"); from += PROGRESS_CHUNK) {
            List<Object> data = new ArrayList<>();
            for (int at = from; at < Math.min(rows, from + PROGRESS_CHUNK); at++) {
                Map<String, Object> row = new HashMap<>();
                row.put("MaHoSo", dossier);
                row.put("NguoiXuLy", "Trần Văn Mẫu");
                row.put("ChucDanh", "Chuyên viên");
                row.put("ThoiDiemXuLy", String.format("202403051015%02d", at));
                row.put("PhongBanXuLy", "Phòng Thẩm định");
                row.put("NoiDungXuLy", "Bước " + (at + 1));
                row.put("TrangThai", "4");
                row.put("NgayBatDau", "");
                row.put("NgayKetThucTheoQuyDinh", "");
                data.add(row);
            }
            Map<String, Object> body = new HashMap<>();
            body.put("service", "CapNhatTienDoHoSoMC");
            body.put("data", data);
            told = sent(call(INTEGRATION_ENDPOINT, body), rows + " rows");
        }
        return told;
    }

    private String pulled(String service, String key, String value, String shown)
            throws IOException {
        Map<String, Object> body = new HashMap<>();
        body.put("service", service);
        body.put(key, value);
        Map<String, Object> answer = call(SHARE_ENDPOINT, body);
        if (!answer.containsKey("error_code") || number(answer.get("error_code")) != 0) {
            return "refused\t" + answer.get("message");
        }
        List<?> result = (List<?>) answer.get("result");
        if (result == null || result.isEmpty()) {
            return "ok\tnothing";
        }
        Map<?, ?> first = (Map<?, ?>) result.get(0);
        return "ok\t" + (shown == null ? result.size() : first.get(shown));
    }

    private static boolean exists(Map<String, Object> answer) {
        String code = String.valueOf(answer.get("error_code"));
        String message = String.valueOf(answer.get("message"));
        return code.equals("3") || code.equals("-3") || message.contains("đã tồn tại");
    }

    private static String sent(Map<String, Object> answer, String shown) {
        String message = String.valueOf(answer.get("message"));
        boolean done = answer.containsKey("error_code") && number(answer.get("error_code")) == 0
            && message.toLowerCase().contains("thành công");
        return done ? "ok\t" + shown : "refused\t" + message;
    }

    private Map<String, Object> call(String endpoint, Map<String, Object> data)
            throws IOException {
        Map<String, Object> body = new HashMap<>();
        body.put("session", session());
        body.put("madonvi", UNIT);
        body.putAll(data);
        return post(endpoint, body);
    }

    private Map<String, Object> post(String endpoint, Map<String, Object> body)
            throws IOException {
        HttpURLConnection connection = null;
        try {
            connection = (HttpURLConnection) new URL(base + endpoint).openConnection();
            connection.setRequestMethod("POST");
            connection.setDoInput(true);
            connection.setDoOutput(true);
            connection.setRequestProperty("Accept", "application/json");
            connection.setRequestProperty("Content-Type", "application/json");
            connection.setRequestProperty("Charset", "utf-8");
            connection.setRequestProperty("dstcode", DESTINATION);
            connection.setInstanceFollowRedirects(true);
            connection.setReadTimeout(60 * 1000);
            byte[] data = Json.write(body).getBytes(StandardCharsets.UTF_8);
            connection.setRequestProperty("Content-Length", Integer.toString(data.length));
            try (DataOutputStream out = new DataOutputStream(connection.getOutputStream())) {
                out.write(data);
            }
            connection.connect();
            // No charset is named: that of the machine is taken, whatever the answer says.
            try (BufferedReader reader =
                    new BufferedReader(new InputStreamReader(connection.getInputStream()))) {
                StringBuilder text = new StringBuilder();
                String line;
                while ((line = reader.readLine()) != null) {
                    text.append(line);
                }
                @SuppressWarnings("unchecked")
                Map<String, Object> answer = (Map<String, Object>) Json.read(text.toString());
                return answer;
            }
        } finally {
            if (connection != null) {
                connection.disconnect();
            }
        }
    }

    // 0, "0" and "00" are one, as in JSONObject.getInt.
    private static int number(Object value) {
        return value instanceof Number ? ((Number) value).intValue()
            : (int) Double.parseDouble(String.valueOf(value));
    }

    // As much JSON as the packets need; objects have no order, as in org.json.
    private static class Json {
        private final String text;
        private int at;

        private Json(String text) {
            this.text = text;
        }

        static Object read(String text) {
            Json json = new Json(text);
            Object value = json.value();
            json.space();
            if (json.at < text.length()) {
                throw new IllegalArgumentException("more after the end: " + text);
            }
            return value;
        }

        static String write(Object value) {
            StringBuilder out = new StringBuilder();
            if (value instanceof Map) {
                for (Map.Entry<?, ?> entry : ((Map<?, ?>) value).entrySet()) {
                    out.append(out.length() == 0 ? '{' : ',');
                    out.append(write(entry.getKey())).append(':').append(write(entry.getValue()));
                }
                return out.length() == 0 ? "{}" : out.append('}').toString();
            }
            if (value instanceof List) {
                for (Object item : (List<?>) value) {
                    out.append(out.length() == 0 ? '[' : ',').append(write(item));
                }
                return out.length() == 0 ? "[]" : out.append(']').toString();
            }
            String text = String.valueOf(value).replace("\\", "\\\\").replace("\"", "\\\"");
            return '"' + text + '"';
        }

        private Object value() {
            space();
            char first = text.charAt(at);
            switch (first) {
                case '{': {
                    Map<String, Object> object = new HashMap<>();
                    for (at++; !ended('}'); ) {
                        String key = (String) value();
                        space();
                        expect(':');
                        object.put(key, value());
                    }
                    return object;
                }
                case '[': {
                    List<Object> list = new ArrayList<>();
                    for (at++; !ended(']'); ) {
                        list.add(value());
                    }
                    return list;
                }
                case '"':
                    return string();
                default: {
                    int from = at;
                    while (at < text.length() && ",]} \t\r\n".indexOf(text.charAt(at)) < 0) {
                        at++;
                    }
                    String word = text.substring(from, at);
                    if (word.equals("null")) {
                        return null;
                    }
                    boolean flag = word.equals("true") || word.equals("false");
                    return flag ? (Object) Boolean.valueOf(word) : Double.valueOf(word);
                }
            }
        }

        private boolean ended(char end) {
            space();
            if (text.charAt(at) == ',') {
                at++;
                space();
            }
            if (text.charAt(at) != end) {
                return false;
            }
            at++;
            return true;
        }

        private String string() {
            StringBuilder out = new StringBuilder();
            for (at++; text.charAt(at) != '"'; at++) {
                char next = text.charAt(at);
                if (next != '\\') {
                    out.append(next);
                    continue;
                }
                char escaped = text.charAt(++at);
                int known = "nrtbf".indexOf(escaped);
                if (escaped == 'u') {
                    out.append((char) Integer.parseInt(text.substring(at + 1, at + 5), 16));
                    at += 4;
                } else {
                    out.append(known < 0 ? escaped : "\n\r\t\b\f".charAt(known));
                }
            }
            at++;
            return out.toString();
        }

        private void space() {
            while (at < text.length() && Character.isWhitespace(text.charAt(at))) {
                at++;
            }
        }

        private void expect(char expected) {
            if (text.charAt(at++) != expected) {
                throw new IllegalArgumentException("no " + expected + " at " + at + ": " + text);
            }
        }
    }
}
