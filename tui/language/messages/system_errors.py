"""What the operating system refuses, by the name of its errno; what SQLite does, by the name of its result code."""

from __future__ import annotations

from collections.abc import Mapping

from questions.bilingual import Bilingual

TABLE: Mapping[str, Bilingual] = {
    "ENOENT": Bilingual("没有这个文件或文件夹", "no such file or folder"),
    "ENOEXEC": Bilingual("不是能运行的程序", "no program that runs"),
    "EACCES": Bilingual("没有权限", "permission denied"),
    "EPERM": Bilingual("没有权限", "permission denied"),
    "EISDIR": Bilingual("这是一个文件夹", "it is a folder"),
    "ENOTDIR": Bilingual("路径中间有一段不是文件夹", "a part of the path is no folder"),
    "EEXIST": Bilingual("那里已有一个同名的文件", "a file of that name is in the way"),
    "ENOSPC": Bilingual("磁盘满了", "the disk is full"),
    "EROFS": Bilingual("那里是只读的", "it is read-only there"),
    "ENAMETOOLONG": Bilingual("名字太长", "the name is too long"),
    "EIO": Bilingual("磁盘读写出错", "the disk failed"),
    "ELOOP": Bilingual("链接绕成了圈", "its links lead in a circle"),
    "EFBIG": Bilingual("文件太大", "the file is too large"),
    "EDQUOT": Bilingual("磁盘配额用完了", "your share of the disk is used up"),
    "ENXIO": Bilingual("那里的设备用不了", "the device there cannot be used"),
    "ENODEV": Bilingual("那里的设备用不了", "the device there cannot be used"),
    "ETXTBSY": Bilingual("文件正在运行", "the file is being run"),
    "EBUSY": Bilingual("正被别的程序占着", "another program is using it"),
    "EMFILE": Bilingual("打开的文件太多了", "too many files are open"),
    "EINVAL": Bilingual("系统不认这个名字或操作", "the system takes no such name or operation"),
    "ENOTSUP": Bilingual("那里不支持这样做", "that cannot be done there"),
    "ESTALE": Bilingual("网络盘上的文件不见了", "the file on the network drive is gone"),
    "ENOMEM": Bilingual("内存不够", "there is too little memory"),
    "EADDRINUSE": Bilingual("端口正被别的程序用着", "another program is using the port"),
    "EADDRNOTAVAIL": Bilingual("这台机器没有这个地址", "this machine has no such address"),
    "not-utf-8": Bilingual(
        "第 {place:,} 个字节是 {byte}，不是 UTF-8 文本；请另存为 UTF-8",
        "byte {place:,} is {byte}, which is no text in UTF-8; save it as UTF-8",
    ),
    "SQLITE_NOTADB": Bilingual("不是 SQLite 文件", "it is no SQLite file"),
    "SQLITE_CORRUPT": Bilingual("文件内容坏了", "its contents are damaged"),
    "SQLITE_FULL": Bilingual("磁盘满了", "the disk is full"),
    "SQLITE_IOERR": Bilingual("磁盘读写出错", "the disk failed"),
    "SQLITE_READONLY": Bilingual("那里是只读的", "it is read-only there"),
    "SQLITE_CANTOPEN": Bilingual("文件打不开", "the file cannot be opened"),
    "SQLITE_PERM": Bilingual("没有权限", "permission denied"),
    "SQLITE_BUSY": Bilingual("文件正被别的程序锁着", "another program has locked it"),
}
