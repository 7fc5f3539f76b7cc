"""`cti user`: users, their roles, phones and passwords. A password never stands on a command line."""

from __future__ import annotations

import argparse
import getpass
import sys

import msgspec
from argon2 import PasswordHasher

from cti.auth import RIGHTS, Account, new_password, password_fault
from cti.commands.common import FAILED, settings_or_exit
from cti.store import Store, StoreError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of `cti user`."""
    what = parser.add_subparsers(dest="what", required=True, metavar="add|list|password|phones|disable|enable")
    add = what.add_parser("add", help="a new user")
    add.add_argument("login")
    add.add_argument("--name", required=True, help="as colleagues call him; for an agent as in queues.conf")
    add.add_argument("--role", required=True, choices=sorted(RIGHTS))
    add.add_argument("--interface", action="append", default=[], metavar="PJSIP/8001", help="his phone; may repeat")
    add.add_argument("--team", default="", help="the board groups by it")
    add.add_argument("--language", choices=("zh", "en"))
    _password_arguments(add)
    what.add_parser("list", help="all users")
    password = what.add_parser("password", help="a new password; ends the user's sessions")
    password.add_argument("login")
    _password_arguments(password)
    phones = what.add_parser("phones", help="the user's phones from now on; none: he takes one at login")
    phones.add_argument("login")
    phones.add_argument("interface", nargs="*")
    for name, text in (("disable", "no login from now on"), ("enable", "login again")):
        other = what.add_parser(name, help=text)
        other.add_argument("login")
    for sub in what.choices.values():
        sub.add_argument("--config", metavar="FILE")


def _password_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--generate", action="store_true", help="make a password and print it once, instead of asking for one"
    )


def main(args: argparse.Namespace) -> int:
    """Do it; exit code 1 where it cannot be done."""
    settings = settings_or_exit(args.config)
    try:
        store = Store.open(settings.store.url)
    except StoreError as error:
        return _fail(f"{error.text} / {error.text_en}")
    try:
        if args.what == "list":
            return _list(store)
        account = store.account(args.login)
        if args.what == "add":
            if account is not None:
                return _fail(f"{args.login} 已存在 / exists already")
            return _add(store, args, settings.site.language)
        if account is None:
            return _fail(f"没有用户 / no user {args.login}")
        return _change(store, account, args)
    except StoreError as error:
        return _fail(f"{error.text} / {error.text_en}")
    finally:
        store.close()


def _fail(text: str) -> int:
    print(f"cti user: {text}", file=sys.stderr)
    return FAILED


def _list(store: Store) -> int:
    for account in store.accounts():
        state = " (disabled)" if account.disabled else ""
        phones = " ".join(account.interfaces)
        print(f"{account.login}\t{account.role}\t{account.name}\t{phones}{state}")
    return 0


def _password(args: argparse.Namespace) -> tuple[str, bool] | None:
    """(password, to be printed); None where none was given that can be taken."""
    if args.generate:
        return new_password(), True
    if sys.stdin.isatty():
        first = getpass.getpass("口令 / password: ")
        if first != getpass.getpass("再输一次 / again: "):
            _fail("两次不一样 / not the same twice")
            return None
    else:
        first = sys.stdin.readline().rstrip("\r\n")
    fault = password_fault(first, args.login)
    if fault is not None:
        _fail(fault)
        return None
    return first, False


def _hash(password: str) -> str:
    return PasswordHasher(time_cost=3, memory_cost=65536, parallelism=1).hash(password)


def _add(store: Store, args: argparse.Namespace, language: str) -> int:
    chosen = _password(args)
    if chosen is None:
        return FAILED
    password, show = chosen
    for other in store.accounts():
        for interface in args.interface:
            if interface in other.interfaces:
                print(f"{interface} 原属 / was of {other.login}", file=sys.stderr)
    store.add_user(
        Account(
            login=args.login,
            name=args.name,
            role=args.role,
            password_hash=_hash(password),
            language=args.language or language,
            interfaces=tuple(args.interface),
        ),
        args.team,
    )
    print(f"已添加 / added {args.login} ({args.role})")
    if show:
        print(f"口令，只显示这一次 / password, shown this once: {password}")
    return 0


def _change(store: Store, account: Account, args: argparse.Namespace) -> int:
    if args.what == "password":
        chosen = _password(args)
        if chosen is None:
            return FAILED
        password, show = chosen
        store.set_password(account.login, _hash(password))
        print(f"已改 / changed: {account.login}")
        if show:
            print(f"口令，只显示这一次 / password, shown this once: {password}")
        return 0
    if args.what == "phones":
        store.set_interfaces(account.login, args.interface)
    else:
        store.add_user(msgspec.structs.replace(account, disabled=args.what == "disable"))
        if args.what == "disable":
            store.end_sessions(account.login)
    print(f"已改 / changed: {account.login}")
    return 0
