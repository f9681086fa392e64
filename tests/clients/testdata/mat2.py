"""Cleans picture.jpg with libmat2, as metadata-cleaner and the file manager's plug-in do."""

from libmat2 import parser_factory


def parser(name):
    found, kind = parser_factory.get_parser(name)
    print("type:", kind)
    return found


print("before:", parser("picture.jpg").get_meta().get("Comment"))
cleaner = parser("picture.jpg")
cleaner.lightweight_cleaning = True
cleaner.output_filename = "out/picture.jpg"
print("cleaned:", cleaner.remove_all())
print("after:", parser("out/picture.jpg").get_meta().get("Comment"))
