from sqlalchemy import Column, ForeignKey, Integer, String
from sqlalchemy.orm import declarative_base, deferred, relationship

Base = declarative_base()


class Parent(Base):
    __tablename__ = "parent"
    id = Column(Integer, primary_key=True)
    name = Column(String)
    story = deferred(Column(String))
    children = relationship("Child", back_populates="parent")

    def __repr__(self):
        return f"Parent({self.children})"


class Child(Base):
    __tablename__ = "child"
    id = Column(Integer, primary_key=True)
    parent_id = Column(ForeignKey("parent.id"))
    parent = relationship("Parent", back_populates="children")
