"""Loads page.html with WebKitGTK, its sandbox on; ends when there is a file go-on."""

import os
import sys

import gi

gi.require_version("Gtk", "3.0")
gi.require_version("WebKit2", "4.1")
from gi.repository import GLib, Gtk, WebKit2  # noqa: E402


def finish(status):
    sys.stdout.flush()
    os._exit(status)


def on_title(view, _):
    if view.get_title() != "loading":
        print("title:", view.get_title())
        view.get_snapshot(WebKit2.SnapshotRegion.VISIBLE, WebKit2.SnapshotOptions.NONE, None, on_snapshot)


def on_snapshot(view, result):
    view.get_snapshot_finish(result).write_to_png("snapshot.new")
    os.rename("snapshot.new", "snapshot.png")
    GLib.timeout_add(10, lambda: not os.path.exists("go-on") or finish(0))


def on_death(_, reason):
    print("web process:", reason.value_nick)
    finish(3)


context = WebKit2.WebContext.get_default()
context.set_sandbox_enabled(True)
os.mkdir("shown")
context.add_path_to_sandbox(os.path.abspath("shown"), True)
view = WebKit2.WebView.new_with_context(context)
view.connect("notify::title", on_title)
view.connect("web-process-terminated", on_death)
window = Gtk.Window(default_width=320, default_height=240)
window.add(view)
window.show_all()
view.load_uri("file://" + os.path.abspath("page.html"))
Gtk.main()
