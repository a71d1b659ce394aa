from __future__ import annotations

from pathlib import Path

from installer import app_disks

APP = Path("/var/www/photo")


def found(tmp_path: Path, text: str, **variables: str) -> tuple[dict[str, str], tuple[str, ...]]:
    (tmp_path / "config").mkdir()
    (tmp_path / "config/filesystems.php").write_text(f"<?php\nreturn [{text}];\n")
    disk = app_disks.find(tmp_path, variables)
    return {name: str(root).replace(str(tmp_path), "APP") for name, root in disk.roots.items()}, disk.unclear


def test_an_app_without_the_file_has_laravels_own_disks(tmp_path: Path) -> None:
    assert app_disks.find(tmp_path, {}).roots == {
        "local": tmp_path / "storage/app/private",
        "public": tmp_path / "storage/app/public",
    }


def test_local_disks_are_found_and_others_are_not(tmp_path: Path) -> None:
    text = """
        'default' => env('FILESYSTEM_DISK', 'local'),
        'disks' => [
            'local' => ['driver' => 'local', 'root' => storage_path('app/private'), 'serve' => true],
            "public" => ["driver" => "local", "root" => storage_path("app/public"), 'url' => env('APP_URL').'/s'],
            's3' => ['driver' => 's3', 'root' => '/s3'],
            'dfotos' => ['driver' => 'local', 'root' => '/dfotos'],
            'web' => ['driver' => 'local', 'root' => public_path()],
            'base' => ['driver' => 'local', 'throw' => false, 'root' => base_path('var'),],
        ],
        'links' => [public_path('storage') => storage_path('app/public')],
    """
    assert found(tmp_path, text)[0] == {
        "local": "APP/storage/app/private",
        "public": "APP/storage/app/public",
        "dfotos": "/dfotos",
        "web": "APP/public",
        "base": "APP/var",
    }


def test_a_root_of_the_environment_is_looked_up_and_has_its_default(tmp_path: Path) -> None:
    text = """'disks' => [
        'a' => ['driver' => 'local', 'root' => env('A_ROOT', '/nowhere')],
        'b' => ['driver' => 'local', 'root' => env('B_ROOT', storage_path('b'))],
        'c' => ['driver' => 'local', 'root' => env('C_ROOT')],
    ]"""
    assert found(tmp_path, text, A_ROOT="/dfotos") == ({"a": "/dfotos", "b": "APP/storage/b"}, ("c",))


def test_a_root_that_only_php_could_work_out_is_named(tmp_path: Path) -> None:
    text = """'disks' => [ 'a' => ['driver' => 'local', 'root' => config('x').'/y'], ]"""
    assert found(tmp_path, text) == ({}, ("a",))


def test_what_is_commented_out_is_not_there(tmp_path: Path) -> None:
    text = """'disks' => [
        // 'a' => ['driver' => 'local', 'root' => '/a'],
        # 'b' => ['driver' => 'local', 'root' => '/b'],
        /* 'c' => ['driver' => 'local', 'root' => '/c'], */
        'd' => ['driver' => 'local', 'root' => '/d//e'], // https://x
    ]"""
    assert found(tmp_path, text)[0] == {"d": "/d/e"}
