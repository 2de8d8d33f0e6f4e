"""What the operating system refuses, by the name of its errno; what SQLite does, by the name of its result code."""

from __future__ import annotations

from collections.abc import Mapping

from questions.bilingual import Bilingual

TABLE: Mapping[str, Bilingual] = {
    "ENOENT": Bilingual("没有这个文件或文件夹", "no such file or folder"),
    "EACCES": Bilingual("没有权限", "permission denied"),
    "EPERM": Bilingual("没有权限", "permission denied"),
    "EISDIR": Bilingual("这是一个文件夹", "it is a folder"),
    "ENOTDIR": Bilingual("路径中间有一段不是文件夹", "a part of the path is no folder"),
    "EEXIST": Bilingual("那里已有一个同名的文件", "a file of that name is in the way"),
    "ENOSPC": Bilingual("磁盘满了", "the disk is full"),
    "EROFS": Bilingual("那里是只读的", "it is read-only there"),
    "ENAMETOOLONG": Bilingual("名字太长", "the name is too long"),
    "EIO": Bilingual("磁盘读写出错", "the disk failed"),
    "SQLITE_NOTADB": Bilingual("不是 SQLite 文件", "it is no SQLite file"),
    "SQLITE_CORRUPT": Bilingual("文件内容坏了", "its contents are damaged"),
    "SQLITE_FULL": Bilingual("磁盘满了", "the disk is full"),
    "SQLITE_IOERR": Bilingual("磁盘读写出错", "the disk failed"),
    "SQLITE_READONLY": Bilingual("那里是只读的", "it is read-only there"),
    "SQLITE_CANTOPEN": Bilingual("文件打不开", "the file cannot be opened"),
    "SQLITE_PERM": Bilingual("没有权限", "permission denied"),
    "SQLITE_BUSY": Bilingual("文件正被别的程序锁着", "another program has locked it"),
}
