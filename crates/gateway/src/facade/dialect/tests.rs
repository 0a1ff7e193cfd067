//! Which façade stands at which path.

use terms::exchange::Facade;

use super::*;

fn shown(path: &str) -> String {
    let elsewhere = ["/KetNoiMotCuaQuocGia".to_owned(), "/api/SynsTTHCC/".to_owned()];
    let facades = Facades { packet: elsewhere.into(), ..Facades::default() };
    match Dialect::find(path, &facades) {
        None => "none".to_owned(),
        Some(Dialect::Adapter { rest_at, login, data }) => {
            let kind = ["", " login"][usize::from(login)];
            format!("adapter {}{kind}{}", &path[rest_at..], ["", " data"][usize::from(data)])
        }
        Some(Dialect::Packet { name, check }) => {
            format!("packet {}{}", &path[name], ["", " check"][usize::from(check)])
        }
        Some(Dialect::Login(facade)) => format!("login {facade}"),
        Some(Dialect::Portal) => "portal".to_owned(),
        Some(Dialect::Statistic) => "statistic".to_owned(),
    }
}

#[test]
fn a_path_says_which_facade() {
    let table = [
        ("/mapi/login", "login portal"),
        ("//mapi///login/", "login portal"),
        ("/mapi/Login", "none"),
        ("/mapi/g", "portal"),
        ("/mapi/gg", "none"),
        ("/mapi", "none"),
        ("/mapi/g/x", "none"),
        ("/XrdAdapter/RestService/forward/mapi/login", "adapter /mapi/login login"),
        ("/VXPAdapter/RestService/forward/mapi/g", "adapter /mapi/g data"),
        ("/web/guest/VXPAdapter/RestService/forward/a/b", "adapter /a/b"),
        ("//web//guest//XrdAdapter//RestService//forward//a//b", "adapter /a//b"),
        ("/XrdAdapter/RestService/forward", "adapter "),
        ("/XrdAdapter/RestService/forward/", "adapter /"),
        ("/XrdAdapter/RestService/forwardmapi/g", "adapter mapi/g data"),
        ("/XrdAdapter/RestService/forwar/mapi/g", "adapter /mapi/g data"),
        ("/XrdAdapter/RestService/forwa/mapi/g", "none"),
        ("/XrdAdapter/RestService", "none"),
        ("/XrdAdapter/Other/forward/x", "none"),
        ("/web/XrdAdapter/RestService/forward/x", "none"),
        ("/xrdadapter/RestService/forward/x", "none"),
        ("/packets/LayThuTuc", "packet LayThuTuc"),
        ("/packets/LayThuTuc/", "packet LayThuTuc"),
        ("//packets//LayThuTuc/check", "packet LayThuTuc check"),
        ("/packets/LayThuTuc/check/x", "none"),
        ("/packets/LayThuTuc/x", "none"),
        ("/packets", "none"),
        ("/packets/001099000001", "none"),
        ("/packets/Lay.Thu", "none"),
        ("/KetNoiMotCuaQuocGia/LayThuTuc", "packet LayThuTuc"),
        ("/KetNoiMotCuaQuocGia", "none"),
        ("/api/SynsTTHCC/DongBoHoSoMC", "packet DongBoHoSoMC"),
        ("/api/Other/DongBoHoSoMC", "none"),
        ("/thong-ke", "statistic"),
        ("/thong-ke/", "statistic"),
        ("/thong-ke/x", "none"),
        ("/", "none"),
        ("", "none"),
        ("/datdai/1.0/mapi/g", "none"),
        ("/đ/mapi/g", "none"),
    ];
    for (path, expected) in table {
        assert_eq!(shown(path), expected, "{path}");
    }
}

#[test]
fn a_name_is_no_number_and_no_text() {
    for name in ["LayThuTuc", "TraCuuTechID", "getfile", "C06_TraCuu", "a1"] {
        assert!(is_name(name), "{name}");
    }
    let long = "a".repeat(65);
    for text in ["", "001099000001", "A1234", "Nguyễn", "a b", "a-b", "1a", "a.b", &long] {
        assert!(!is_name(text), "{text}");
    }
}

#[test]
fn every_path_is_compared_only_where_a_facade_stands_elsewhere() {
    assert!(!Facades::default().are_elsewhere());
    let prefix = |path: &str| Facades { packet: vec![path.to_owned()], ..Facades::default() };
    assert!(prefix("/KetNoiMotCuaQuocGia").are_elsewhere());
    assert!(!prefix("/mapi/goi").are_elsewhere());
    assert_eq!(Dialect::Portal.facade(), Some(Facade::Portal));
}

#[test]
fn whatever_the_path_is_its_places_lie_in_it() {
    bolero::check!().with_type::<String>().for_each(|path: &String| {
        match Dialect::find(path, &Facades::default()) {
            Some(Dialect::Adapter { rest_at, .. }) => assert!(path.get(rest_at..).is_some()),
            Some(Dialect::Packet { name, .. }) => assert!(path.get(name).is_some()),
            _ => {}
        }
    });
}
