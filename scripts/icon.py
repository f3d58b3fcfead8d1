"""Draws assets/icon.png: what was acknowledged, what came back, and the cut between them. Needs Pillow."""
from PIL import Image, ImageDraw

S = 8
image = Image.new("RGBA", (256 * S, 256 * S), (0, 0, 0, 0))


def layer():
    picture = Image.new("RGBA", image.size, (0, 0, 0, 0))
    return picture, ImageDraw.Draw(picture)


def scaled(points):
    return [(x * S, y * S) for x, y in points]


def stroke(draw, points, color, width):
    draw.line(scaled(points), fill=color, width=width * S, joint="curve")
    for x, y in points:
        r = width / 2
        draw.ellipse([(x - r) * S, (y - r) * S, (x + r) * S, (y + r) * S], fill=color)


shapes = []
picture, draw = layer()
draw.rounded_rectangle([8 * S, 8 * S, 248 * S, 248 * S], 54 * S, fill="#151A21", outline="#2A333F", width=3 * S)
shapes.append(picture)
picture, draw = layer()
draw.polygon(scaled([(44, 206), (44, 182), (76, 156), (104, 130), (132, 104), (132, 206)]), fill=(47, 181, 163, 90))
draw.polygon(scaled([(132, 206), (132, 104), (168, 72), (206, 44), (206, 206)]), fill=(244, 80, 94, 70))
shapes.append(picture)
picture, draw = layer()
stroke(draw, [(44, 182), (76, 156), (104, 130), (132, 104)], "#2FB5A3", 15)
for x, y in [(154, 84), (180, 63), (206, 43)]:
    draw.ellipse([(x - 8) * S, (y - 8) * S, (x + 8) * S, (y + 8) * S], fill="#F4505E")
stroke(draw, [(132, 40), (132, 216)], "#F5F7FA", 8)
shapes.append(picture)
for shape in shapes:
    image = Image.alpha_composite(image, shape)
image.resize((256, 256), Image.LANCZOS).save("assets/icon.png")
