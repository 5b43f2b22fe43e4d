"""Pictures of figures: HTML and SVG made from the cube, without a kernel.

Colours come from the page's style sheet (`citylib.look`) by class; attributes of the light theme
stand beside them for who takes a picture out of its page.
"""
