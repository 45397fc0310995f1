"""Teach a small network to read handwritten digits, and look at what it can and cannot do.

    python examples/01_digits.py

The 1,797 digits come with scikit-learn: nothing is downloaded.
"""

import sightline as sl
from sightline.data.augment.contact_sheet import contact_sheet

splits = sl.load_data("digits")
network = sl.create_model("convnet", num_classes=len(splits.classes))
print(sl.summary(network))

config = sl.TrainConfig(
    epochs=10,
    batch_size=64,
    groups=(sl.ParameterGroup(optimizer="adamw", lr=2e-3),),
    augment=sl.AugmentConfig(shift=2, rotate=10, padding="constant"),
)
print(f"\n{len(splits.train):,} images to learn from, {len(splits.val):,} to watch the progress on")
for epoch in sl.fit(network, splits, config):
    low, high = epoch.val_interval  # 95 %: what so few images can tell
    validation = f"{epoch.val_accuracy:.1%} ({low:.1%} to {high:.1%})"
    print(f"epoch {epoch.epoch:2}  loss {epoch.train_loss:.3f}  validation {validation}")

# The test images were not looked at before now; what they say is the result.
classifier = sl.Classifier.of(network, splits)
evaluation = sl.evaluate(classifier, splits.test)
print(f"\n{evaluation}")

# The answers it was most sure of and yet wrong, or where there are none, the first of all.
shown = evaluation.mistakes(10) or list(range(10))
names = splits.classes
captions = [f"{names[evaluation.labels[i]]}\ntaken for {names[evaluation.predicted[i]]}" for i in shown]
contact_sheet(splits.test.take(shown).images.pixels, captions, columns=5).save("mistakes.png")

classifier.save("digits-model")
again = sl.load("digits-model")
answer = again.predict(splits.test.images.read(0))
print(f"\nsaved, loaded and asked again: this is a {answer.label}, with probability {answer.probability:.3f}")
print("the most confident mistakes are in mistakes.png")
