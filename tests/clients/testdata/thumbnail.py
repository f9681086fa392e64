"""Makes and saves the thumbnail of picture.png, as the file manager does."""

import os

import gi

gi.require_version("GnomeDesktop", "3.0")
from gi.repository import GnomeDesktop  # noqa: E402

uri = "file://" + os.path.abspath("picture.png")
factory = GnomeDesktop.DesktopThumbnailFactory.new(GnomeDesktop.DesktopThumbnailSize.NORMAL)
pixels = factory.generate_thumbnail(uri, "image/png", None)
factory.save_thumbnail(pixels, uri, int(os.stat("picture.png").st_mtime), None)
